import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackages } from '../src/build-packages.js';
import { packages } from '../src/packages/index.js';
import { inRepository } from '../src/paths.js';

const execute = promisify(execFile);
const options = { compression: 'none', time: 1_700_000_000 };

let directory = '';
let built: string[] = [];

/** All packages unpacked over each other, as dpkg would. */
const installed = (...path: string[]): string => join(directory, 'root', ...path);

async function build(outputDirectory: string, wanted = packages): Promise<string[]> {
  return buildPackages('1.2.3', { ...options, outputDirectory: join(directory, outputDirectory) }, wanted);
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pageferry-packages-'));
  built = await build('built');
  for (const path of built) await execute('dpkg-deb', ['-x', path, installed()]);
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const agents = ['pageferry-source-agent', 'pageferry-destination-agent'];

describe('the packages', () => {
  it('are named and versioned as dpkg wants it', () => {
    expect(built.map((path) => basename(path))).toEqual([
      'pageferry-common_1.2.3_amd64.deb',
      'pageferry-source-agent_1.2.3_amd64.deb',
      'pageferry-destination-agent_1.2.3_amd64.deb',
      'pageferry_1.2.3_amd64.deb',
    ]);
  });

  it('are the same, byte for byte, when they are built again', async () => {
    // But for the common one, which is for the most part a copy of node.
    const again = await build('again', packages.slice(1));
    const digests = async (paths: readonly string[]): Promise<string[]> =>
      Promise.all(
        paths.map(async (path) =>
          createHash('sha256')
            .update(await readFile(path))
            .digest('hex'),
        ),
      );
    expect(await digests(again)).toEqual(await digests(built.slice(1)));
  });

  it('belong to root, and nothing in them can be written by anybody else', async () => {
    for (const path of built) {
      const { stdout } = await execute('dpkg-deb', ['-c', path]);
      for (const line of stdout.trim().split('\n')) expect(line).toMatch(/^[-d]rw.r-.r-. root\/root /);
    }
  });

  it('have what the files say in their checksums', async () => {
    for (const path of built) {
      const { stdout } = await execute('dpkg-deb', ['-I', path, 'md5sums']);
      const list = join(directory, 'md5sums');
      await writeFile(list, stdout);
      await execute('md5sum', ['--check', '--strict', '--quiet', list], { cwd: installed() });
    }
  });
});

describe.each(agents)('%s', (name) => {
  const folder = name.replace('pageferry-', '');
  const runtime = (): string => installed('usr/lib/pageferry/bin/node');
  const program = (): string => installed('usr/lib/pageferry', folder, 'agent.js');

  it('runs with nothing but what is in the packages', async () => {
    const { stdout } = await execute(runtime(), [program(), '--check-config'], { cwd: '/', env: {} });
    expect(stdout).toBe('The configuration is valid.\n');
  });

  it('loads what is compiled from beside itself', async () => {
    const probe = installed('usr/lib/pageferry', folder, 'probe.js');
    await writeFile(probe, "import 'lz4-napi'; import 'koffi'; console.log('loaded');");
    const { stdout } = await execute(runtime(), [probe], { cwd: '/', env: {} });
    expect(stdout).toBe('loaded\n');
  });

  it('names no place of the machine that built it', async () => {
    expect(await readFile(program(), 'utf8')).not.toContain(inRepository());
  });

  it('keeps the names of error classes, which are logged', async () => {
    expect(await readFile(program(), 'utf8')).toContain('__name(this, "PageferryError")');
  });

  it('has a default file with which it runs as without', async () => {
    const text = await readFile(installed('etc/default', name), 'utf8');
    const settings = text.split('\n').filter((line) => line !== '' && !line.startsWith('# '));
    expect(settings.length).toBeGreaterThan(5);
    for (const line of settings) expect(line).toMatch(/^#PAGEFERRY_[A-Z_]+=/);
    const env: Record<string, string> = {};
    for (const [, variable = '', value = ''] of text.matchAll(/^#(PAGEFERRY_\w+)=(.+)$/gm))
      env[variable] = value;
    const { stdout } = await execute(runtime(), [program(), '--check-config'], { cwd: '/', env });
    expect(stdout).toBe('The configuration is valid.\n');
  });

  it('has a manual page that names every setting', async () => {
    const page = installed('usr/share/man/man8', `${name}.8.gz`);
    const { stdout } = await execute('gzip', ['-dc', page]);
    const defaults = await readFile(installed('etc/default', name), 'utf8');
    for (const [, variable] of defaults.matchAll(/^#(PAGEFERRY_[A-Z_]+)=/gm))
      expect(stdout).toContain(variable);
    expect(stdout).not.toContain('SETTINGS\n.El');
  });

  it('completes flags, and values where they are few', async () => {
    const complete = async (...words: string[]): Promise<string[]> => {
      const script = `
        . "$0"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _${name.replaceAll('-', '_')}
        printf '%s\\n' "\${COMPREPLY[@]}"
      `;
      const file = installed('usr/share/bash-completion/completions', name);
      const { stdout } = await execute('bash', ['-c', script, file, name, ...words]);
      return stdout.trim().split('\n');
    };
    expect(await complete('--log-level', 'de')).toEqual(['debug']);
    expect(await complete('--check')).toEqual(['--check-config']);
    expect(await complete('--state-directory', '/us')).toEqual(['/usr']);
  });

  it('has scripts that a shell understands', async () => {
    const path = built.find((candidate) => basename(candidate).startsWith(name)) ?? '';
    for (const script of ['postinst', 'prerm', 'postrm']) {
      const { stdout } = await execute('dpkg-deb', ['-I', path, script]);
      await execute('sh', ['-n', '-c', stdout]);
    }
  });
});

describe('pageferry-source-agent', () => {
  it('begins its threads with nothing but what is in the packages', async () => {
    const probe = installed('usr/lib/pageferry/source-agent/thread.js');
    await writeFile(
      probe,
      `import { Worker } from 'node:worker_threads';
      const worker = new Worker(new URL('./indexing-worker.js', import.meta.url));
      worker.on('message', ({ kind }) => console.log(kind));
      worker.postMessage({ guests: [], known: new Uint8Array(0), share: 1, secret: 1 });`,
    );
    const node = installed('usr/lib/pageferry/bin/node');
    const { stdout } = await execute(node, [probe], { cwd: '/', env: {} });
    expect(stdout).toBe('begun\nover\n');
  });
});

describe('pageferry', () => {
  it('runs, and has its commands in its manual page and its completion', async () => {
    const program = installed('usr/lib/pageferry/command-line/pageferry.js');
    const { stdout } = await execute(installed('usr/lib/pageferry/bin/node'), [program, '--help'], {
      env: {},
    });
    expect(stdout).toContain('migrate');
    const { stdout: page } = await execute('gzip', ['-dc', installed('usr/share/man/man1/pageferry.1.gz')]);
    const completion = await readFile(installed('usr/share/bash-completion/completions/pageferry'), 'utf8');
    for (const command of ['migrate', 'switchover', 'doctor']) {
      expect(page).toContain(`.Ss ${command}\n`);
      expect(completion).toContain(command);
    }
  });
});
