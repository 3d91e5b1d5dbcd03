import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { TraceWriter } from '../../src/index.js';
import { runSimulate } from '../support/run-simulate.js';
import { emptySet } from '../workload/support.js';

const directory = mkdtempSync(join(tmpdir(), 'pageferry-simulate-'));
const QUICK = ['--memory', '64MiB', '--workload', 'hot-spot', '--write-rate', '50MB'];

afterAll(() => {
  rmSync(directory, { recursive: true });
});

describe('npm run simulate', () => {
  it('prints a table and the outcomes as JSON, and draws a picture', async () => {
    const svg = join(directory, 'moves.svg');
    const { failed, stdout } = await runSimulate(...QUICK, '--svg', svg, '--json');
    expect(failed).toBe(false);
    expect(stdout).toContain('64 MiB, hot-spot at 50 MB/s, over 125 MB/s');
    expect(stdout).toMatch(/^round-robin .* yes$/m);
    const json: unknown = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
    expect(json).toMatchObject({
      guestBytes: 64 * 2 ** 20,
      scale: 1,
      outcomes: [
        { strategy: 'precopy', reason: 'switch-over' },
        { strategy: 'hybrid' },
        { strategy: 'round-robin' },
      ],
    });
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg /);
  });

  it('moves a recorded guest', async () => {
    const trace = join(directory, 'guest.trace');
    const writer = new TraceWriter(8192);
    const dirtied = emptySet(8192);
    dirtied.addRange(1000, 200);
    writer.add(dirtied, 250);
    writeFileSync(trace, writer.finish());
    const { stdout } = await runSimulate('--trace', trace, '--strategy', 'precopy');
    expect(stdout).toContain('32 MiB, a recorded trace');
    expect(stdout).toMatch(/^precopy .* yes$/m);
  });

  it('says what is wrong with what it is given', async () => {
    const broken = join(directory, 'broken.trace');
    writeFileSync(broken, 'nothing');
    for (const [parameters, message] of [
      [['--memory', '4'], 'a size such as 4GiB is wanted'],
      [['--workload', 'busy'], 'Allowed choices are idle, uniform'],
      [['--strategy', 'luck'], 'there is no strategy luck'],
      [['--link-change', '2s=1Gb', '--link-change', '1s=2Gb'], 'in the order of time'],
      [['--trace', join(directory, 'none')], 'cannot be read'],
      [['--trace', broken], 'not a trace of pageferry'],
    ] as const) {
      const { failed, stderr } = await runSimulate(...parameters);
      expect(failed).toBe(true);
      expect(stderr).toContain(message);
    }
  });
});
