import { mapSome } from '../environment/map-some.js';
import type { Guest } from '../guests/guest.js';
import { longestGap, monotonicMs } from '../guests/heartbeat.js';
import type { Load } from './load.js';
import type { Pair } from './outcome.js';
import type { Run } from './run.js';
import { sum } from './sum.js';

/** A guest at its work, and the QEMU that waits for it. */
export interface LoadedPair extends Pair {
  readonly load: Load;
}

/** The migration that the guests have lived through. */
export interface LivedThrough {
  /** On the clock of `monotonicMs`. */
  readonly from: number;
  readonly to: number;
  /** What each guest had done when it began. */
  readonly workBefore: readonly number[];
  /** Whether each is on the other host now; those that nothing is known of are looked for where they were. */
  readonly arrived: readonly boolean[];
}

/** How a guest has fared: its work a second, and the longest time in which it made no progress. */
export interface Life {
  readonly rate: number;
  readonly gapMs: number;
}

const homesOf = (pairs: readonly LoadedPair[], arrived: readonly boolean[]): Guest[] =>
  pairs.map((pair, index) => (arrived[index] === true ? pair.destination : pair.source));

/** What the guests say of it; null of those that have been lost. */
export async function livesOf(
  pairs: readonly LoadedPair[],
  { from, to, workBefore, arrived }: LivedThrough,
): Promise<(Life | null)[]> {
  const homes = homesOf(pairs, arrived);
  // All at once: each rate is to be one of the migration, and not of what the others do after it.
  return mapSome(pairs, pairs.length, async ({ load, source, destination }, index) =>
    unlessLost(homes[index] ?? source, async (home) => {
      await home.workload.waitUntilAnswering(30_000);
      const work = (await load.work(home)) - (workBefore[index] ?? 0);
      const rate = (work * 1000) / (monotonicMs() - from);
      const heartbeats = [await source.workload.heartbeats(), await destination.workload.heartbeats()];
      return { rate, gapMs: longestGap(heartbeats, from, to).milliseconds };
    }),
  );
}

/** The rates of their work added up, and the longest gap; null if one has been lost. */
export function togetherOf(lives: readonly (Life | null)[]): Pick<Run, 'guestGapMs' | 'rate'> {
  const known = ofAll(lives);
  return {
    rate: known && sum(known.map(({ rate }) => rate)),
    guestGapMs: known && Math.max(...known.map(({ gapMs }) => gapMs)),
  };
}

/** All errors that the guests find when they check themselves; null if one has been lost. */
export async function errorsOf(
  pairs: readonly LoadedPair[],
  lives: readonly (Life | null)[],
  arrived: readonly boolean[],
  checkedAtOnce: number,
): Promise<number | null> {
  const homes = homesOf(pairs, arrived);
  const errors = await mapSome(pairs, checkedAtOnce, async ({ load, source }, index) =>
    lives[index] === null ? null : unlessLost(homes[index] ?? source, (home) => load.check(home)),
  );
  const counts = ofAll(errors);
  return counts && sum(counts);
}

async function unlessLost<T>(home: Guest, ask: (home: Guest) => Promise<T>): Promise<T | null> {
  try {
    return await ask(home);
  } catch (error) {
    console.error(`${home.name} is lost: ${String(error)}\n${home.log().slice(-2000)}`);
    return null;
  }
}

/** Null unless there is something of every guest. */
function ofAll<T>(values: readonly (T | null)[]): T[] | null {
  const known = values.flatMap((value) => value ?? []);
  return known.length === values.length ? known : null;
}
