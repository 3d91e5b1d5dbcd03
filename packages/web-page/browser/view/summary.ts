import type { Migration } from '../api/migration.js';
import { formatBytes, formatDuration, formatPercent, hostOf } from './format.js';
import { isOver, meaningOf } from './phases.js';
import { progressOf } from './progress.js';

/** How it stands, or how it ended, in a sentence or two. */
export function summaryOf(migration: Migration): string {
  const { guest, destination, state, totalMs, sentBytes, memory, downtimeMs } = migration;
  const effort = `${formatBytes(sentBytes)} sent in ${formatDuration(totalMs)}`;
  if (state === 'completed') {
    const stood = downtimeMs === undefined ? '' : ` It stood still for ${formatDuration(downtimeMs)}.`;
    const size = memory === undefined ? '' : ` for ${formatBytes(memory.bytes)} of memory`;
    return `${guest} runs on ${hostOf(destination.url)}.${stood} ${effort}${size}.`;
  }
  if (state === 'cancelled') return `${guest} stayed here. ${effort}.`;
  if (isOver(migration)) return `The migration of ${guest} failed. ${effort}.`;
  const { leftMs, arrived } = progressOf(migration);
  const left = leftMs === undefined ? '' : `, about ${formatDuration(leftMs)} to go at this rate`;
  const share = arrived === undefined ? '' : ` ${formatPercent(arrived)} of the memory has arrived${left}.`;
  const { words } = meaningOf(state);
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.${share}`;
}
