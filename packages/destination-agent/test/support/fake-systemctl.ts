import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { onTestFinished, vi } from 'vitest';

/** As `systemctl show` has them, of the one unit that there is. */
export type FakeState = Readonly<Record<string, string>>;

/** A systemctl, and a busctl, that are found first: they say what they are told to of any unit, and remember what they were asked to do. */
export class FakeSystemctl {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async install(): Promise<FakeSystemctl> {
    const directory = await mkdtemp(join(tmpdir(), 'pageferry-systemctl-'));
    const fake = new FakeSystemctl(directory);
    await fake.show({ ActiveState: 'inactive' });
    for (const verb of ['start', 'stop', 'reset-failed']) await fake.on(verb, '');
    await writeFile(
      join(directory, 'systemctl'),
      [
        '#!/bin/sh',
        'while [ "${1#--no-}" != "$1" ]; do shift; done',
        `cd ${directory}`,
        '[ "$1" != show ] || exec cat state',
        'echo "$*" >>calls',
        '. "./on-$1"',
      ].join('\n'),
    );
    const refusal = join(directory, 'refusal');
    const asked = `echo "$*" >>${join(directory, 'asked')}`;
    const refuse = `[ ! -e ${refusal} ] || { cat ${refusal} >&2; exit 1; }`;
    await writeFile(join(directory, 'busctl'), ['#!/bin/sh', asked, refuse].join('\n'));
    for (const program of ['systemctl', 'busctl']) await chmod(join(directory, program), 0o755);
    vi.stubEnv('PATH', `${directory}:${env['PATH'] ?? ''}`);
    onTestFinished(async () => {
      vi.unstubAllEnvs();
      await rm(directory, { recursive: true, force: true });
    });
    return fake;
  }

  /** All it was asked for, but for questions. */
  async calls(): Promise<string[]> {
    const text = await readFile(join(this.#directory, 'calls'), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  }

  /** All that was asked for over the bus. */
  async asked(): Promise<string> {
    return readFile(join(this.#directory, 'asked'), 'utf8').catch(() => '');
  }

  /** Has what is asked for over the bus be refused. */
  async refuse(message: string): Promise<void> {
    await writeFile(join(this.#directory, 'refusal'), `${message}\n`);
  }

  async show(state: FakeState): Promise<void> {
    await writeFile(join(this.#directory, 'state'), textOf(state));
  }

  /** @param script what it does when it is asked to, a shell script */
  async on(verb: string, script: string): Promise<void> {
    await writeFile(join(this.#directory, `on-${verb}`), `${script}\n`);
  }

  /** For a script: has the unit be shown like this. */
  shows(state: FakeState): string {
    return `cat >state <<END\n${textOf(state)}END\n`;
  }
}

function textOf(state: FakeState): string {
  const all = { LoadState: 'loaded', Result: 'success', InvocationID: 'one', ...state };
  return Object.entries(all)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
