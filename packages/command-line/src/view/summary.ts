import type { Migration } from '../api/schemas.js';
import type { Paint } from './colours.js';
import { problemLines } from './problem-lines.js';
import { formatBytes, formatDuration } from './units.js';

/** How a migration ended. */
export function summaryLines(migration: Migration, paint: Paint): string[] {
  const { guest, destination, state, totalMs, downtimeMs, bytes, error } = migration;
  const effort = `after ${formatDuration(totalMs)}, ${formatBytes(bytes.sent)} sent`;
  if (state === 'completed') {
    const downtime = downtimeMs === null ? '' : `, downtime ${formatDuration(downtimeMs)}`;
    return [`${paint('green', `${guest} runs on ${destination.url}`)} ${effort}${downtime}`];
  }
  if (state === 'cancelled') return [`${paint('yellow', `${guest} stays here: cancelled`)} ${effort}`];
  return [
    `${paint('red', `the migration of ${guest} failed`)} ${effort}`,
    ...(error === null ? [] : problemLines(error, paint)),
  ];
}
