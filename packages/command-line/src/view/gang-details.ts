import type { Gang, Member } from '../api/gang-schemas.js';
import type { Paint } from './colours.js';
import { gangTotals } from './gang-totals.js';
import { memberProgress } from './member-progress.js';
import { problemLines } from './problem-lines.js';
import { table } from './table.js';
import { formatRate, formatTime } from './units.js';

const HEAD = ['GUEST', 'STATE', 'ARRIVED', 'REMAINING', 'SENT', 'DOWNTIME', 'ATTEMPTS', 'MIGRATION'];

/** All that a person may want to know of a gang. */
export function gangDetails(gang: Gang, paint: Paint): string[] {
  const { id, destination, mode, state, guests, sent, atOnce, bandwidthCap } = gang;
  const pages = Object.entries(sent.pages).filter(([, count]) => count > 0);
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['gang', id],
    ['destination', destination.url],
    ['mode', mode],
    ['state', state],
    ['started', formatTime(gang.startedAt)],
    ['so far', gangTotals(gang)],
    ['pages', pages.length === 0 ? undefined : pages.map(([kind, count]) => `${count} ${kind}`).join(', ')],
    ['preparation', gang.preparation ?? undefined],
    ['at once', String(atOnce)],
    ['limit', bandwidthCap === 0 ? undefined : formatRate(bandwidthCap)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    ...rows.flatMap(([name, value]) =>
      value === undefined ? [] : [`${paint('dim', name.padEnd(width))}  ${value}`],
    ),
    '',
    ...table([HEAD, ...guests.map(rowOf)]),
    ...guests.flatMap(({ guest, error }) =>
      error === null ? [] : ['', `${guest}:`, ...problemLines(error, paint)],
    ),
  ];
}

function rowOf(member: Member): string[] {
  const { guest, attempts, migration } = member;
  const { state, arrived, remaining, sent, downtime } = memberProgress(member);
  return [guest, state, arrived, remaining, sent, downtime, String(attempts), migration ?? '-'];
}
