import type { Run } from '../run.js';
import { finder, ratiosOf, standingsOf, type Ratio, type Standing } from './ratios.js';
import { summarize, type Summary } from './summary.js';
import { targetsOf, type Targets } from './targets.js';

/** What the runs come to. */
export interface Report {
  readonly results: readonly Run[];
  readonly summaries: readonly Summary[];
  readonly ratios: readonly Ratio[];
  readonly standings: readonly Standing[];
  readonly targets: Targets;
}

export function report(results: readonly Run[]): Report {
  const summaries = summarize(results);
  return {
    results,
    summaries,
    ratios: ratiosOf(summaries),
    standings: standingsOf(summaries),
    targets: targetsOf(summaries, finder(summaries)),
  };
}
