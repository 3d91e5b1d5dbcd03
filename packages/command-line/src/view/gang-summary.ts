import type { Gang, Member } from '../api/gang-schemas.js';
import type { Paint } from './colours.js';
import { effortOf, movedCount, movedOf } from './gang-totals.js';
import { memberProgress } from './member-progress.js';
import { problemLines } from './problem-lines.js';
import { formatDuration } from './units.js';

/** How a gang ended, and what has become of the guests that have not moved. */
export function gangSummaryLines(gang: Gang, paint: Paint): string[] {
  const { guests, destination, state } = gang;
  const downtimes = guests.flatMap(({ downtimeMs }) => (downtimeMs === null ? [] : [downtimeMs]));
  const downtime =
    downtimes.length === 0 ? '' : `, longest downtime ${formatDuration(Math.max(...downtimes))}`;
  const colour = state === 'completed' ? 'green' : state === 'cancelled' ? 'yellow' : 'red';
  const verb = movedCount(gang) === 1 ? 'runs' : 'run';
  const result = `${movedOf(gang)} ${verb} on ${destination.url}${state === 'cancelled' ? ': cancelled' : ''}`;
  return [
    `${paint(colour, result)} ${effortOf(gang)}${downtime}`,
    ...guests.filter((guest) => guest.state !== 'moved').flatMap((guest) => linesOf(guest, paint)),
  ];
}

/** Of a guest that has not moved. */
function linesOf(member: Member, paint: Paint): string[] {
  const { guest, state, error } = member;
  const line = `  ${guest}: ${memberProgress(member).state}`;
  if (state !== 'failed' || error === null) return [line];
  return [line, ...problemLines(error, paint).map((text) => `    ${text}`)];
}
