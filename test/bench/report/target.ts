import { linkTitle, type Link } from '../link.js';
import { ratioOf } from './ratios.js';
import { completes, type Figure, type Summary } from './summary.js';

/** What is wanted, and what there is. */
export interface Target {
  readonly name: string;
  /** At most so much. */
  readonly wanted: number;
  readonly unit: string;
  /** Null where there is nothing to compare with: QEMU has not come to an end. */
  readonly measured: number | null;
  readonly reached: boolean;
  readonly remark: string;
}

export const at = (scenario: string, link: Link): string => `${scenario}, ${linkTitle(link)}`;

export const atMost = (wanted: number, unit: string, measured: number): Omit<Target, 'name'> => ({
  wanted,
  unit,
  measured,
  reached: measured <= wanted,
  remark: '',
});

/**
 * A ratio to one of QEMU's methods. Where that does not always come to an end its pages, its bytes and its time are lower
 * bounds, and its downtime is that of the runs that did; if none did, then to come to an end is what is wanted.
 */
export function againstQemu(
  figure: Figure,
  wanted: number,
  ours: Summary,
  theirs: Summary,
  unit = '× QEMU',
): Omit<Target, 'name'> {
  const measured = ratioOf(figure, ours, theirs);
  if (completes(theirs) && measured !== null && completes(ours)) return atMost(wanted, unit, measured);
  const of = ({ completed, runs }: Summary): string => `${completed} of ${runs}`;
  return {
    wanted,
    unit,
    measured,
    reached: completes(ours) && (measured === null || measured <= wanted),
    remark: `completed: QEMU ${of(theirs)}, pageferry ${of(ours)}`,
  };
}
