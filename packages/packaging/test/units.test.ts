import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { promisify } from 'node:util';
import { NODE_ENVIRONMENT, NODE_FLAGS, PROCESSOR_WEIGHT } from '@pageferry/daemon';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inDeploy } from '../src/paths.js';

/** Of systemd's own scale from 0 to 10, in tenths. */
const MOST_EXPOSED = 30;

const execute = promisify(execFile);
const units = await readdir(inDeploy('systemd'));

/** All units as they are, but for their programs' place, in one directory: they name each other. */
let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pageferry-units-'));
  await mkdir(join(directory, 'bin'));
  for (const program of ['node', 'start-guest']) await symlink(execPath, join(directory, 'bin', program));
  for (const unit of units) {
    const text = await readFile(inDeploy('systemd', unit), 'utf8');
    await writeFile(join(directory, unit), text.replaceAll('/usr/lib/pageferry', directory));
  }
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe.each(units)('%s', (unit) => {
  it('is understood by systemd as a whole', async () => {
    const { stdout, stderr } = await execute('systemd-analyze', [
      'verify',
      '--man=no',
      join(directory, unit),
    ]);
    expect(stdout + stderr).toBe('');
  });

  it('is exposed to 3.0 at most', async () => {
    const args = ['--no-pager', '--offline=true', `--threshold=${MOST_EXPOSED}`, join(directory, unit)];
    const { stdout } = await execute('systemd-analyze', ['security', ...args]);
    expect(stdout).toMatch(/Overall exposure level .*: [0-3]\.\d/);
  });

  it('keeps core dumps, which would hold memory of guests, from being written', async () => {
    expect(await readFile(join(directory, unit), 'utf8')).toMatch(/^LimitCORE=0$/m);
  });
});

it('starts the daemons as they are to be started', async () => {
  for (const unit of units.filter((name) => name.endsWith('-agent.service'))) {
    const text = await readFile(join(directory, unit), 'utf8');
    expect(text).toContain(`/bin/node ${NODE_FLAGS.join(' ')} `);
    const environment = Object.entries(NODE_ENVIRONMENT).map(([name, value]) => `${name}=${value}`);
    expect(text).toContain(`\nEnvironment=${environment.join(' ')}\n`);
    expect(text).toContain(`\nCPUWeight=${PROCESSOR_WEIGHT}\n`);
  }
});

it('gives a daemon more time to stop than it takes for itself', async () => {
  for (const unit of units.filter((name) => name.endsWith('-agent.service'))) {
    const text = await readFile(join(directory, unit), 'utf8');
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(text)?.[1])).toBeGreaterThan(30);
  }
});
