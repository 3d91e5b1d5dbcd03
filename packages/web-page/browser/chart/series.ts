import type { Iteration, Migration } from '../api/migration.js';
import { pageBytesOf } from '../view/progress.js';

/** What goes over time: seconds since the migration began, bytes, and bytes a second. */
export interface Series {
  readonly seconds: number[];
  readonly remaining: (number | null)[];
  /** What the guest rewrote. */
  readonly dirtied: (number | null)[];
  readonly sent: (number | null)[];
  /** The estimate of the link's bandwidth. */
  readonly bandwidth: (number | null)[];
}

/** What was seen of a migration at one moment: the table of iterations has nothing of one that goes on, nor of post-copy. */
export interface Sample {
  readonly totalMs: number;
  readonly remainingPages: number;
  readonly sentBytes: number;
  readonly bandwidth: number | undefined;
}

/**
 * One point at the end of each iteration, after one at the beginning of the first; its rates are means of all of it. Then
 * one point for each sample that was seen later.
 */
export function seriesOf(migration: Migration, samples: readonly Sample[]): Series {
  const pageBytes = pageBytesOf(migration) ?? 0;
  const series: Series = { seconds: [], remaining: [], dirtied: [], sent: [], bandwidth: [] };
  let ms = beginOf(migration);
  const [first] = migration.iterationTable;
  if (first !== undefined) {
    const isWhole = first.number === 1;
    add(series, ms, {
      ...ratesOf(first, pageBytes),
      remaining: isWhole ? migration.memory?.bytes : undefined,
    });
  }
  for (const row of migration.iterationTable) {
    ms += row.durationMs;
    add(series, ms, { ...ratesOf(row, pageBytes), remaining: row.remainingPages * pageBytes });
  }
  let before: Sample | undefined;
  for (const sample of samples) {
    const passedMs = sample.totalMs - (before?.totalMs ?? sample.totalMs);
    const sentBytes = sample.sentBytes - (before?.sentBytes ?? sample.sentBytes);
    before = sample;
    if (sample.totalMs <= ms) continue;
    ms = sample.totalMs;
    add(series, ms, {
      remaining: sample.remainingPages * pageBytes,
      sent: passedMs > 0 ? (sentBytes / passedMs) * 1000 : undefined,
      bandwidth: sample.bandwidth,
    });
  }
  if (migration.state === 'completed' && migration.totalMs > ms)
    add(series, migration.totalMs, { remaining: 0 });
  return series;
}

type Point = Partial<Record<Exclude<keyof Series, 'seconds'>, number | undefined>>;

function ratesOf({ durationMs, dirtiedPages, sentBytes, bandwidth }: Iteration, pageBytes: number): Point {
  const rate = (bytes: number): number | undefined =>
    durationMs > 0 ? (bytes / durationMs) * 1000 : undefined;
  return { dirtied: rate(dirtiedPages * pageBytes), sent: rate(sentBytes), bandwidth };
}

function add(series: Series, ms: number, point: Point): void {
  series.seconds.push(ms / 1000);
  series.remaining.push(point.remaining ?? null);
  series.dirtied.push(point.dirtied ?? null);
  series.sent.push(point.sent ?? null);
  series.bandwidth.push(point.bandwidth ?? null);
}

/** When the first row began, ms: the rows have no times of their own, and the oldest may be gone. */
function beginOf({ iterationTable, history, startedAt, totalMs }: Migration): number {
  if (iterationTable.length === 0) return 0;
  const entered = (state: string): number | undefined => {
    const at = history.find((entry) => entry.state === state)?.at;
    return at === undefined ? undefined : at - startedAt;
  };
  const begun = entered('active');
  if (iterationTable[0]?.number === 1 && begun !== undefined) return Math.max(begun, 0);
  const took = iterationTable.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return Math.max((entered('pre-switchover') ?? totalMs) - took, 0);
}

/** Times at which the guest stood still, or may have, seconds since the migration began. */
export function standstillOf({
  history,
  startedAt,
  downtimeMs,
}: Migration): readonly [number, number] | undefined {
  const stopped = history.find(({ state }) => state === 'device');
  if (stopped === undefined || downtimeMs === undefined) return undefined;
  const begun = (stopped.at - startedAt) / 1000;
  return [begun, begun + downtimeMs / 1000];
}
