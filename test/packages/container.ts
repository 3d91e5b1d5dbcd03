import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { eventually, withDeadline } from '../environment/deadline.js';
import { onExit } from '../environment/on-exit.js';
import { run } from '../environment/run.js';

const bootMs = 60_000;
const shutdownMs = 30_000;
/** Of `systemctl is-system-running`: units that have failed are for the tests to find. */
const booted = /^(running|degraded)$/;

/** A Debian that has booted, with systemd as its first process, in a network namespace that exists already. */
export class Container {
  readonly #directory: string;
  readonly #nspawn: ChildProcess;
  readonly #forget: () => void;
  #leader = 0;

  private constructor(directory: string, nspawn: ChildProcess) {
    this.#directory = directory;
    this.#nspawn = nspawn;
    this.#forget = onExit(() => {
      nspawn.kill('SIGKILL');
      execFileSync('umount', ['--lazy', join(directory, 'root')]);
    });
  }

  /** @param tree what it begins with; what it writes lies elsewhere, and goes with it */
  static async boot(name: string, tree: string, networkNamespace: string): Promise<Container> {
    const directory = await mkdtemp(join(tmpdir(), `pf-${name}-`));
    for (const folder of ['upper', 'work', 'root']) await mkdir(join(directory, folder));
    const layers = `lowerdir=${tree},upperdir=${join(directory, 'upper')},workdir=${join(directory, 'work')}`;
    await run('mount', ['-t', 'overlay', 'overlay', '-o', layers, join(directory, 'root')]);
    const log = openSync(join(directory, 'console'), 'w');
    const nspawn = spawn(
      'systemd-nspawn',
      [
        ...['--boot', `--machine=${name}`, `--hostname=${name}`, `--directory=${join(directory, 'root')}`],
        // There is no systemd around it that it could be registered with.
        ...['--keep-unit', '--register=no', `--network-namespace-path=/run/netns/${networkNamespace}`],
        // A host has them; nspawn lets through neither by default.
        '--system-call-filter=userfaultfd @memlock',
      ],
      { stdio: ['ignore', log, log] },
    );
    closeSync(log);
    const container = new Container(directory, nspawn);
    try {
      await container.#untilBooted();
    } catch (error) {
      await container.close();
      throw error;
    }
    return container;
  }

  /** Of a file in it, on this machine. */
  path(...parts: string[]): string {
    return join(this.#directory, 'root', ...parts);
  }

  async write(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
    await mkdir(dirname(this.path(path)), { recursive: true });
    await writeFile(this.path(path), content);
    await chmod(this.path(path), mode);
  }

  /** Runs a program in it, as root, and returns what it says. */
  async run(program: string, ...args: string[]): Promise<string> {
    return run('nsenter', [
      ...[`--target=${this.#leader}`, '--all', '--', 'env', '-i', 'LC_ALL=C.UTF-8'],
      ...['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'DEBIAN_FRONTEND=noninteractive', program, ...args],
    ]);
  }

  /** One property of a unit, as `systemctl show` has it. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.run('systemctl', 'show', '--property', name, '--value', unit)).trim();
  }

  async close(): Promise<void> {
    const ended = once(this.#nspawn, 'exit');
    if (this.#nspawn.exitCode === null) {
      this.#nspawn.kill('SIGTERM');
      await withDeadline(ended, shutdownMs, 'the end of the container').catch(() =>
        this.#nspawn.kill('SIGKILL'),
      );
    } else ended.catch(() => undefined);
    await run('umount', ['--lazy', this.path()]);
    this.#forget();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #untilBooted(): Promise<void> {
    const pid = String(this.#nspawn.pid);
    await eventually(
      async () => {
        if (this.#nspawn.exitCode !== null)
          throw new Error(
            `systemd-nspawn has ended:\n${readFileSync(join(this.#directory, 'console'), 'utf8')}`,
          );
        this.#leader = Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ')[0]);
        if (this.#leader === 0) return false;
        return this.run('sh', '-c', 'systemctl is-system-running || true').then(
          (state) => booted.test(state.trim()),
          () => false,
        );
      },
      bootMs,
      'the boot of the container',
      200,
    );
  }
}
