import type { Gang, Member } from '../api/gang-schemas.js';
import { memberProgress } from './member-progress.js';
import { table } from './table.js';

const HEAD = ['GUEST', 'STATE', 'ARRIVED', 'REMAINING', 'SENT', 'DOWNTIME'];
/** Who is shown where not all can be: the others come after. */
const first: readonly string[] = ['moving', 'failed', 'waiting'];

/** A line for each guest, below the names of the columns; at most so many lines, where the last one counts those left out. */
export function gangTable({ guests }: Gang, mostLines: number): string[] {
  if (guests.length < mostLines) return table([HEAD, ...guests.map(rowOf)]);
  const shown = mostImportant(guests, Math.max(mostLines - 2, 0));
  return [...table([HEAD, ...shown.map(rowOf)]), `and ${guests.length - shown.length} more`];
}

/** In their order. */
function mostImportant(guests: readonly Member[], count: number): readonly Member[] {
  const rank = ({ state }: Member): number => {
    const place = first.indexOf(state);
    return place === -1 ? first.length : place;
  };
  const chosen = new Set(guests.toSorted((one, other) => rank(one) - rank(other)).slice(0, count));
  return guests.filter((guest) => chosen.has(guest));
}

function rowOf(member: Member): string[] {
  const { state, arrived, remaining, sent, downtime } = memberProgress(member);
  return [member.guest, state, arrived, remaining, sent, downtime];
}
