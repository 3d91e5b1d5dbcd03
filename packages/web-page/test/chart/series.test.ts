import { describe, expect, test } from 'vitest';
import { migration } from '../../browser/api/migration.js';
import { seriesOf, standstillOf } from '../../browser/chart/series.js';
import { completedView, iterationTable, startedAt, viewOf } from '../support/scripted-migration.js';

const MEBIBYTE = 1 << 20;

describe('the series', () => {
  test('have a point at the end of each iteration, from the beginning of pre-copy', () => {
    const { seconds, remaining } = seriesOf(migration(viewOf()), []);
    expect(seconds[0]).toBe(0.12);
    expect(seconds[1]).toBeCloseTo(0.12 + 8.192, 6);
    expect(seconds).toHaveLength(3);
    expect(remaining[0]).toBe(1 << 30);
    expect((remaining[1] ?? 0) / MEBIBYTE).toBeCloseTo(341.3, 1);
  });

  test('have rates over each iteration, also at the beginning of the first', () => {
    const { dirtied, sent, bandwidth } = seriesOf(migration(viewOf()), []);
    const mebibytes = (values: readonly (number | null)[]): unknown[] =>
      values.map((value) => value && Math.round(value / MEBIBYTE));
    expect(mebibytes(sent)).toEqual([125, 125, 125]);
    expect(mebibytes(dirtied)).toEqual([42, 42, 42]);
    expect(bandwidth).toEqual([null, null, 131_000_000]);
  });

  test('end where the guest was stopped when the oldest iterations are gone', () => {
    const view = completedView({ iterationTable: iterationTable(7).slice(5) });
    const { seconds, remaining } = seriesOf(migration(view), []);
    expect(seconds[2]).toBeCloseTo(12.38, 6);
    expect(remaining[0]).toBeNull();
    expect(remaining.at(-1)).toBe(0);
    expect(seconds.at(-1)).toBe(12.52);
  });

  test('go on with what was seen after pre-copy', () => {
    const view = viewOf({ state: 'postcopy-active', totalMs: 14_000 });
    const sample = { remainingPages: 512, bandwidth: 1 };
    const { seconds, remaining, sent, dirtied } = seriesOf(migration(view), [
      { ...sample, totalMs: 10_000, sentBytes: 0 },
      { ...sample, totalMs: 13_000, sentBytes: 1000 },
      { ...sample, totalMs: 14_000, sentBytes: 5000, remainingPages: 256 },
    ]);
    expect(seconds.slice(-2)).toEqual([13, 14]);
    expect(remaining.slice(-2)).toEqual([2 * MEBIBYTE, MEBIBYTE]);
    expect(sent.at(-1)).toBe(4000);
    expect(dirtied.at(-1)).toBeNull();
  });

  test('begin with what was seen while the first iteration goes on', () => {
    const seen = { remainingPages: 262_144, bandwidth: undefined };
    const { seconds, sent } = seriesOf(migration(viewOf({ iterationTable: [] })), [
      { ...seen, totalMs: 1000, sentBytes: 0 },
      { ...seen, totalMs: 2000, sentBytes: 5000 },
    ]);
    expect(seconds).toEqual([1, 2]);
    expect(sent).toEqual([null, 5000]);
  });

  test('of a migration whose iterations nobody remembers are empty', () => {
    expect(seriesOf(migration(viewOf({ iterationTable: [], memory: null })), []).seconds).toEqual([]);
  });
});

test('the guest stood still from the switch-over, for as long as the downtime', () => {
  const [from, to] = standstillOf(migration(completedView())) ?? [];
  expect(from).toBe(12.401);
  expect(to).toBeCloseTo(12.4624, 6);
  expect(standstillOf(migration(viewOf({ startedAt })))).toBeUndefined();
});
