import type { Link } from '../link.js';
import { baselines, isMethod, isQemus } from '../method.js';
import { completes, type Figure, type Summary } from './summary.js';

/** The figures of which a ratio is told. */
export const comparedFigures = ['pages', 'bytes', 'downtime', 'totalTime', 'guestGap'] as const;
export type ComparedFigure = (typeof comparedFigures)[number];

/**
 * A method's medians over those of the baseline. Of a migration that was given up the pages, bytes and time so far
 * count, and it has no downtime.
 */
export interface Ratio extends Readonly<Record<ComparedFigure, number | null>> {
  readonly scenario: string;
  readonly link: Link;
  readonly method: string;
  readonly baseline: string;
  /** Whether every run of the method was completed. */
  readonly completed: boolean;
  readonly baselineCompleted: boolean;
}

/** One summary's median over another one's. */
export function ratioOf(
  figure: Figure,
  summary: Summary | undefined,
  other: Summary | undefined,
): number | null {
  const [above, below] = [summary?.[figure]?.median, other?.[figure]?.median];
  return above === undefined || below === undefined || below === 0 ? null : above / below;
}

export type Find = (scenario: string, link: Link, method: string) => Summary | undefined;

export const finder =
  (summaries: readonly Summary[]): Find =>
  (scenario, link, method) =>
    summaries.find((s) => s.scenario === scenario && s.link === link && s.method === method);

/** What the others of the same scenario and link are compared with, if it was measured. */
export function baselineOf(
  summaries: readonly Summary[],
  { scenario, link }: Pick<Summary, 'scenario' | 'link'>,
): Summary | undefined {
  const candidates = baselines.flatMap((method) => finder(summaries)(scenario, link, method) ?? []);
  const soonest = bestOf(candidates, 'totalTime');
  return candidates.find(({ method }) => method === soonest?.method) ?? candidates[0];
}

/** Of every method but the baseline. */
export function ratiosOf(summaries: readonly Summary[]): Ratio[] {
  return summaries.flatMap((summary) => {
    const { scenario, link, method } = summary;
    const other = baselineOf(summaries, summary);
    if (other === undefined || method === other.method) return [];
    const of = (figure: ComparedFigure): number | null => ratioOf(figure, summary, other);
    return [
      {
        ...{ scenario, link, method, baseline: other.method },
        pages: of('pages'),
        bytes: of('bytes'),
        downtime: of('downtime'),
        totalTime: of('totalTime'),
        guestGap: of('guestGap'),
        completed: completes(summary),
        baselineCompleted: completes(other),
      },
    ];
  });
}

const belongsToQemu = (method: string): boolean => isMethod(method) && isQemus(method);

export interface Best {
  readonly method: string;
  readonly value: number;
}

/** For one figure, the best of pageferry's methods over the best of QEMU's; only those that complete count. */
export interface Standing {
  readonly scenario: string;
  readonly link: Link;
  readonly figure: ComparedFigure;
  readonly ours: Best;
  readonly theirs: Best;
  readonly ratio: number | null;
}

function bestOf(summaries: readonly Summary[], figure: ComparedFigure): Best | undefined {
  const candidates = summaries.filter(completes).flatMap((summary) => {
    const value = summary[figure]?.median;
    return value === undefined ? [] : [{ method: summary.method, value }];
  });
  return candidates.sort((a, b) => a.value - b.value)[0];
}

export function standingsOf(summaries: readonly Summary[]): Standing[] {
  const places = new Map(
    summaries.map(({ scenario, link }) => [JSON.stringify([scenario, link]), { scenario, link }]),
  );
  return [...places.values()].flatMap(({ scenario, link }) => {
    const here = summaries.filter((summary) => summary.scenario === scenario && summary.link === link);
    return comparedFigures.flatMap((figure) => {
      const ours = bestOf(
        here.filter(({ method }) => !belongsToQemu(method)),
        figure,
      );
      const theirs = bestOf(
        here.filter(({ method }) => belongsToQemu(method)),
        figure,
      );
      if (ours === undefined || theirs === undefined) return [];
      const ratio = theirs.value === 0 ? null : ours.value / theirs.value;
      return [{ scenario, link, figure, ours, theirs, ratio }];
    });
  });
}
