import { describe, expect, test } from 'vitest';
import { gangOutcome } from '../bench/gang-outcome.js';
import { isQemus, moverOf, type Method } from '../bench/method.js';
import { toMarkdown } from '../bench/report/markdown.js';
import { report } from '../bench/report/report.js';
import type { Run } from '../bench/run.js';
import { scenarios } from '../bench/scenarios.js';
import { contentPagesOf, encodingsOf } from '../bench/sent-pages.js';
import { givenUp, run } from './support/bench-run.js';

const mebibyte = 1024 * 1024;
const sentPages = { normal: 70, reference: 20, patch: 0, compressed: 30, delta: 5, unchanged: 1, zero: 400 };
const gangOf = (guests: number): NonNullable<Run['gang']> => ({
  guests,
  completedGuests: guests,
  longestDowntimeMs: 180,
  pages: { ...sentPages, free: 40 },
});
const gangRun = (scenario: string, method: Method, figures: Partial<Run> = {}): Run =>
  run(scenario, 1000, method, { gang: gangOf(4), ...figures });

describe('what becomes of a gang', () => {
  const whole = { totalMs: 9000, pages: 95, pageRequests: 3, encodings: sentPages };
  const moved = { completed: true, error: null, reportedDowntimeMs: 20 };
  const here = { completed: false, error: 'cancelled', downtimeMs: null, reportedDowntimeMs: null };

  test('has the mean downtime of its guests, and the longest', () => {
    const { figures, arrived } = gangOutcome(
      [
        { ...moved, downtimeMs: 10 },
        { ...moved, downtimeMs: 30 },
      ],
      whole,
    );
    expect(arrived).toEqual([true, true]);
    expect(figures).toMatchObject({ completed: true, error: null, downtimeMs: 20, reportedDowntimeMs: 20 });
    expect(figures.gang).toEqual({ guests: 2, completedGuests: 2, longestDowntimeMs: 30, pages: sentPages });
  });

  test('is not completed while one of its guests is left, and tells of those that are not', () => {
    const { figures, arrived } = gangOutcome([here, { ...moved, downtimeMs: 30 }], whole);
    expect(arrived).toEqual([false, true]);
    expect(figures).toMatchObject({ completed: false, error: 'cancelled', downtimeMs: 30 });
    expect(figures.gang).toMatchObject({ guests: 2, completedGuests: 1 });
  });

  test('has no downtime when none of its guests has moved, and an error even if nobody names one', () => {
    const { figures } = gangOutcome([{ ...here, error: null }], whole);
    expect(figures).toMatchObject({ downtimeMs: null, error: 'not every guest has moved' });
    expect(figures.gang).toMatchObject({ completedGuests: 0, longestDowntimeMs: null });
  });
});

test('pages are told by their encodings, and counted if they had content', () => {
  const pages = { ...sentPages, requested: 7, pushed: 8 };
  expect(encodingsOf(pages)).toEqual(sentPages);
  expect(contentPagesOf(pages)).toBe(70 + 20 + 5);
});

describe('the baseline of a gang', () => {
  const baselinesOf = (...runs: readonly Run[]): string[] =>
    report(runs).ratios.map(({ baseline }) => baseline);

  test.each([
    ['qemu-together', 3000, 4000],
    ['qemu-in-turn', 4000, 3000],
  ] as const)('is %s if that is through sooner', (baseline, together, inTurn) => {
    const { ratios } = report([
      gangRun('gang-idle', 'qemu-together', { totalMs: together }),
      gangRun('gang-idle', 'qemu-in-turn', { totalMs: inTurn }),
      gangRun('gang-idle', 'gang-hybrid', { totalMs: 1500, wireBytes: 1_000_000 }),
    ]);
    expect(ratios).toHaveLength(2);
    expect(ratios.find(({ method }) => method === 'gang-hybrid')).toMatchObject({
      ...{ baseline, totalTime: 0.5, bytes: 0.25 },
    });
  });

  test('is one that comes to an end, if only one does', () => {
    const failed = { ...givenUp, totalMs: 10 };
    const runs = [gangRun('gang-idle', 'qemu-together', failed), gangRun('gang-idle', 'qemu-in-turn')];
    expect(baselinesOf(...runs, gangRun('gang-idle', 'gang-precopy'))).toEqual([
      'qemu-in-turn',
      'qemu-in-turn',
    ]);
  });
});

describe('targets of gangs', () => {
  test('are reached at the limit, and not beyond, by each mode', () => {
    const { targets } = report([
      gangRun('gang-idle', 'qemu-together', { totalMs: 1000, wireBytes: 1000 }),
      gangRun('gang-idle', 'gang-precopy', { totalMs: 400, wireBytes: 251 }),
      gangRun('gang-idle', 'gang-hybrid', { totalMs: 401, wireBytes: 250 }),
    ]);
    expect(targets.gang.map(({ name, reached, unit }) => [name, reached, unit])).toEqual([
      ['gang-idle, 1 Gb/s, gang-precopy: bytes on the wire', false, '× qemu-together'],
      ['gang-idle, 1 Gb/s, gang-hybrid: bytes on the wire', true, '× qemu-together'],
      ['gang-idle, 1 Gb/s, gang-precopy: total time', true, '× qemu-together'],
      ['gang-idle, 1 Gb/s, gang-hybrid: total time', false, '× qemu-together'],
    ]);
  });

  test('are judged by the mean downtime where guests are busy, and not without a baseline', () => {
    const ours = gangRun('gang-busy', 'gang-hybrid', { downtimeMs: 49 });
    expect(report([ours]).targets.gang).toEqual([]);
    const { targets } = report([gangRun('gang-busy', 'qemu-in-turn', { downtimeMs: 100 }), ours]);
    expect(targets.gang.map(({ measured }) => measured)).toEqual([1, 1, 0.49]);
  });

  test('are judged by what guests do less while they are prepared, if they do anything', () => {
    const prepared = (preparedSlowDown: number | null): Partial<Run> => ({
      gang: { ...gangOf(4), preparedSlowDown },
    });
    const { targets } = report([
      gangRun('gang-busy', 'gang-precopy-prepared', prepared(0.061)),
      gangRun('gang-idle', 'gang-precopy-prepared', prepared(null)),
    ]);
    expect(targets.gang).toMatchObject([
      { name: 'gang-busy, 1 Gb/s: slow-down while `prepare` runs', wanted: 0.06, reached: false },
    ]);
  });

  test('leave the memory of a daemon to those of single guests', () => {
    const { targets } = report([
      run('idle', 1000, 'precopy', { daemonPeakBytes: 200 * mebibyte }),
      gangRun('gang-idle', 'gang-precopy', { daemonPeakBytes: 500 * mebibyte }),
    ]);
    expect(targets.other.find(({ name }) => name === 'memory of a daemon')?.measured).toBe(200);
  });
});

describe('the document of gangs', () => {
  const single = run('idle', 1000, 'precopy');
  const text = toMarkdown(
    scenarios,
    report([
      gangRun('gang-mixed', 'qemu-in-turn', { gang: { ...gangOf(4), pages: { normal: 90_000 } } }),
      gangRun('gang-mixed', 'gang-precopy', {
        gang: {
          ...gangOf(4),
          completedGuests: 3,
          pages: { normal: 80_000, reference: 12_300, free: 4500 },
        },
      }),
    ]),
  );

  test('says how many guests there are, and which of QEMU the ratios are to', () => {
    expect(text).toContain('## gang-mixed, 1 Gb/s');
    expect(text).toContain('4 guests of 512 MiB each, with a heartbeat every 100 ms; ');
    expect(text).toContain("Over `qemu-in-turn`, of QEMU's methods the one that is through soonest:");
    expect(text).toContain('| gang-mixed, 1 Gb/s, gang-precopy: total time | 1.02 × qemu-in-turn |');
  });

  test('tells what each way of sending less has saved, in thousands of pages', () => {
    expect(text).toContain(
      '| method | guests completed | longest downtime ms | in full | identical | of these free |',
    );
    expect(text).toContain('| qemu-in-turn | 4 of 4 | 180 | 90.0 | – | – |');
    expect(text).toContain('| gang-precopy | 3 of 4 | 180 | 80.0 | 12.3 | 4.5 |');
  });

  test('tells which daemons had not moved a gang before', () => {
    const daemonsOf = { memoryReserved: true, daemonPeakBytes: 1000, processorWeight: 1000 } as const;
    const rows = [
      gangRun('gang-mixed', 'gang-precopy', { ...daemonsOf, movedBefore: 2 }),
      gangRun('gang-mixed', 'gang-precopy-first', { ...daemonsOf, movedBefore: 0 }),
      gangRun('gang-mixed', 'gang-hybrid', { ...daemonsOf, movedBefore: 1 }),
    ];
    const conditions = toMarkdown(scenarios, report(rows));
    expect(conditions).toContain('The first guest, or gang, that its daemons moved: gang-precopy-first.');
    expect(conditions).toContain('Daemons that had moved a guest before, but no gang: gang-hybrid.');
  });

  test('is as it was where there are none', () => {
    expect(text).toContain('leave together');
    expect(toMarkdown(scenarios, report([single]))).not.toContain('leave together');
  });
});

test('every scenario is measured by methods that can move its guests, and by one of QEMU at least', () => {
  for (const { guests = 1, methods } of scenarios) {
    for (const method of methods) expect(moverOf(method).gang !== undefined).toBe(guests > 1);
    expect(methods.some(isQemus)).toBe(true);
  }
});
