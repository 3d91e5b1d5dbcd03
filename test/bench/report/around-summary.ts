import type { Around, Run } from '../run.js';
import { spreadOf, type Spread } from './spread.js';

/** What a guest does before its migration, and from when it runs on the destination. Rates are of its work a second. */
export interface AroundSummary {
  readonly windowMs: number;
  readonly rateBefore: Spread | null;
  readonly rateAfter: Spread | null;
  /** The part of its work that it does no more, in each of the runs. */
  readonly lost: Spread | null;
  readonly readBytesBefore: Spread | null;
  readonly readBytesAfter: Spread | null;
  /** What it reads from its disk afterwards beyond what it has read before, in each of the runs. */
  readonly readBytesMore: Spread | null;
}

/** Null for runs of guests that were not looked at. */
export function aroundSummaryOf(runs: readonly Run[]): AroundSummary | null {
  const looks = runs.flatMap(({ around }) => around ?? []);
  const [first] = looks;
  if (first === undefined) return null;
  const of = (figure: (look: Around) => number | null): Spread | null =>
    spreadOf(looks.flatMap((look) => figure(look) ?? []));
  return {
    windowMs: first.windowMs,
    rateBefore: of(({ before }) => before.rate),
    rateAfter: of(({ after }) => after && after.rate),
    lost: of(({ before, after }) =>
      after === null || before.rate === 0 ? null : 1 - after.rate / before.rate,
    ),
    readBytesBefore: of(({ before }) => before.readBytes),
    readBytesAfter: of(({ after }) => after && after.readBytes),
    readBytesMore: of(({ before, after }) => after && after.readBytes - before.readBytes),
  };
}
