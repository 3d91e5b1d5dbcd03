import type { GangFigures, Run } from '../run.js';
import { spreadOf, type Spread } from './spread.js';

/** What is told of a gang besides what is told of one guest. */
export interface GangSummary {
  readonly guests: number;
  readonly completedGuests: Spread | null;
  readonly longestDowntime: Spread | null;
  /** The part of their work that the guests do not do while they are prepared. */
  readonly preparedSlowDown: Spread | null;
  /** By encoding. */
  readonly pages: Readonly<Record<string, Spread | null>>;
}

/** Null for runs of one guest. */
export function gangSummaryOf(runs: readonly Run[]): GangSummary | null {
  const gangs = runs.flatMap(({ gang }) => gang ?? []);
  const [first] = gangs;
  if (first === undefined) return null;
  const of = (figure: (gang: GangFigures) => number | null | undefined): Spread | null =>
    spreadOf(gangs.flatMap((gang) => figure(gang) ?? []));
  const encodings = [...new Set(gangs.flatMap(({ pages }) => Object.keys(pages)))];
  return {
    guests: first.guests,
    completedGuests: of(({ completedGuests }) => completedGuests),
    longestDowntime: of(({ longestDowntimeMs }) => longestDowntimeMs),
    preparedSlowDown: of(({ preparedSlowDown }) => preparedSlowDown),
    pages: Object.fromEntries(encodings.map((encoding) => [encoding, of(({ pages }) => pages[encoding])])),
  };
}
