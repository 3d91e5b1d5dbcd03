import type { MoveFigures, Outcome } from './outcome.js';
import type { GangFigures } from './run.js';
import { sum } from './sum.js';

/** What became of one guest of a gang. */
export type MemberFigures = Pick<MoveFigures, 'completed' | 'error' | 'downtimeMs' | 'reportedDowntimeMs'>;

/** What is known of a gang only as a whole. */
export interface WholeFigures extends Pick<MoveFigures, 'totalMs' | 'pages' | 'pageRequests'> {
  readonly encodings: GangFigures['pages'];
}

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : sum(values) / values.length;

/** What becomes of the whole gang by what has become of its guests. */
export function gangOutcome(
  members: readonly MemberFigures[],
  { encodings, ...whole }: WholeFigures,
): Outcome {
  const arrived = members.map(({ completed }) => completed);
  const completed = arrived.every(Boolean);
  const downtimes = members.flatMap(({ downtimeMs }) => downtimeMs ?? []);
  const errors = members.flatMap((member) => (member.completed ? [] : (member.error ?? [])));
  const figures: MoveFigures = {
    ...whole,
    completed,
    error: completed ? null : (errors[0] ?? 'not every guest has moved'),
    downtimeMs: meanOf(downtimes),
    runningMs: null,
    reportedDowntimeMs: meanOf(members.flatMap(({ reportedDowntimeMs }) => reportedDowntimeMs ?? [])),
    gang: {
      guests: members.length,
      completedGuests: arrived.filter(Boolean).length,
      longestDowntimeMs: downtimes.length === 0 ? null : Math.max(...downtimes),
      pages: encodings,
    },
  };
  return { figures, arrived };
}
