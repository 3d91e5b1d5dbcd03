import type { Gang } from '../api/gang-schemas.js';
import { PAGE_BYTES, formatBytes, formatDuration, formatRate } from './units.js';

/** How many of the guests have moved. */
export function movedCount({ guests }: Gang): number {
  return guests.filter(({ state }) => state === 'moved').length;
}

/** The same, in words. */
export function movedOf(gang: Gang): string {
  const all = gang.guests.length;
  return `${movedCount(gang)} of ${all} ${all === 1 ? 'guest' : 'guests'}`;
}

/** What all of them together have taken, in words. */
export function effortOf({ sent, totalMs }: Gang): string {
  const parts = [`after ${formatDuration(totalMs)}`, `${formatBytes(sent.bytes)} sent`];
  const spared = (sent.pages['reference'] ?? 0) * PAGE_BYTES;
  if (spared > 0) parts.push(`${formatBytes(spared)} not sent twice`);
  return parts.join(', ');
}

/** How it stands, in one line. */
export function gangTotals(gang: Gang): string {
  const { bandwidth } = gang;
  return `${movedOf(gang)} moved, ${effortOf(gang)}${bandwidth === null ? '' : `, rate ${formatRate(bandwidth)}`}`;
}
