import { describe, expect, test } from 'vitest';
import { methods, moverOf, type Method } from '../bench/method.js';
import { pageferryRequest } from '../bench/pageferry-request.js';
import { toMarkdown } from '../bench/report/markdown.js';
import { report } from '../bench/report/report.js';
import type { Run } from '../bench/run.js';
import { scenarios } from '../bench/scenarios.js';
import { givenUp, run } from './support/bench-run.js';

const mebibyte = 1024 * 1024;
const aroundOf = (rateAfter: number, readAfterMiB: number): NonNullable<Run['around']> => ({
  windowMs: 30_000,
  before: { rate: 200, readBytes: 2 * mebibyte },
  after: { rate: rateAfter, readBytes: readAfterMiB * mebibyte },
});
const over = (scenario: string, method: Method, figures: Partial<Run> = {}): Run =>
  run(scenario, 1000, method, { storageBytes: 100 * mebibyte, ...figures });

describe('what is wanted of page cache from storage', () => {
  test('is fewer bytes and less time than without, and no more time where storage is slow', () => {
    const { targets } = report([
      over('cached', 'precopy', { wireBytes: 54, totalMs: 610 }),
      over('cached', 'precopy-without-storage', { wireBytes: 100, totalMs: 1000 }),
      over('cached-slow-storage', 'hybrid', { totalMs: 1030 }),
      over('cached-slow-storage', 'hybrid-without-storage', { totalMs: 1000 }),
    ]);
    expect(targets.storage).toMatchObject([
      { name: 'cached, 1 Gb/s, precopy: bytes on the wire', wanted: 0.55, measured: 0.54, reached: true },
      { name: 'cached, 1 Gb/s, precopy: total time', wanted: 0.6, measured: 0.61, reached: false },
      {
        name: 'cached-slow-storage, 1 Gb/s, hybrid: total time',
        wanted: 1.03,
        measured: 1.03,
        reached: true,
      },
    ]);
  });

  test('is not reached by a migration that was given up', () => {
    const { targets } = report([
      over('cached', 'hybrid', { ...givenUp, wireBytes: 1, totalMs: 1 }),
      over('cached', 'hybrid-without-storage'),
    ]);
    expect(targets.storage.map(({ reached }) => reached)).toEqual([false, false]);
  });

  test('is that an application goes on as fast, and reads no more from its disk', () => {
    const { targets } = report([
      over('web', 'precopy', { around: aroundOf(192, 2) }),
      over('database', 'hybrid', { around: aroundOf(180, 5) }),
    ]);
    expect(targets.storage.map(({ name, measured, reached }) => [name, measured, reached])).toEqual([
      ['web, 1 Gb/s, precopy: throughput lost after the switch-over', expect.closeTo(0.04), true],
      ['web, 1 Gb/s, precopy: more read from disk than before', 0, true],
      ['database, 1 Gb/s, hybrid: throughput lost after the switch-over', expect.closeTo(0.1), false],
      ['database, 1 Gb/s, hybrid: more read from disk than before', 3, false],
    ]);
  });
});

describe('the document', () => {
  test('tells what was read from storage apart from what was sent', () => {
    const text = toMarkdown(scenarios, report([over('cached', 'precopy', { wireBytes: 7 * mebibyte })]));
    expect(text).toContain('a disk on a third host');
    expect(text).toContain('| method | from storage MiB |');
    expect(text).toContain('| precopy | 100 |');
  });

  test('has what the guest did before and after beside it, also that of one that has dropped its cache', () => {
    const measured = report([
      over('web', 'precopy', { around: aroundOf(190, 2) }),
      over('web', 'precopy-drop-cache', { around: aroundOf(50, 120) }),
      over('web', 'qemu-precopy', { ...givenUp, around: { ...aroundOf(1, 1), after: null } }),
    ]);
    const text = toMarkdown(scenarios, measured);
    expect(text).toContain('in the 30 s before the migration');
    expect(text).toContain('| precopy | 100 | 200 | 190 | 5 | 2 | 2 |');
    expect(text).toContain('| precopy-drop-cache | 100 | 200 | 50 | 75 | 2 | 120 |');
    expect(text).toContain('| qemu-precopy | 100 | 200 | – | – | 2 | – |');
  });

  test('has no such table where nobody has a disk on another host', () => {
    expect(toMarkdown(scenarios, report([run('idle', 1000, 'precopy')]))).not.toContain('from storage');
  });
});

test('scenarios that are compared with themselves without storage have a storage host', () => {
  const compared = scenarios.filter((scenario) =>
    scenario.methods.some((method) => moverOf(method).withoutStorage === true),
  );
  expect(compared.map(({ name }) => name)).toEqual(['cached', 'cached-slow-storage', 'web', 'database']);
  expect(compared.map(({ storage }) => storage?.(1000))).toEqual([1000, 100, 1000, 1000]);
});

test('methods without storage ask for the same as those that they are compared with, but for storage', () => {
  for (const method of methods) {
    const { mode, withoutStorage } = moverOf(method);
    if (mode === undefined || withoutStorage !== true) continue;
    const { storage, ...request } = pageferryRequest(mode, moverOf(method));
    expect(storage === undefined || storage === 'off').toBe(true);
    expect(request).toEqual(pageferryRequest(mode));
  }
});
