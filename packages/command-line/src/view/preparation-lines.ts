import type { Preparation } from '../api/preparation-schemas.js';
import type { Paint } from './colours.js';
import { problemLines } from './problem-lines.js';
import { table } from './table.js';
import { PAGE_BYTES, formatBytes, formatDuration, formatPercent, formatTime } from './units.js';

/** Several of them, the newest last. */
export function preparationTable(preparations: readonly Preparation[]): string[] {
  const head = ['ID', 'STATE', 'GUESTS', 'PROCESSOR', 'MEMORY', 'UNTIL'];
  return table([
    head,
    ...preparations.map(({ id, state, guests, processorMs, indexBytes, expiresAt }) => [
      ...[id, state, guests.map(({ guest }) => guest).join(' ')],
      ...[formatDuration(processorMs), formatBytes(indexBytes), formatTime(expiresAt)],
    ]),
  ]);
}

/** How far it has come. */
export function preparationProgress({ pages, processorMs }: Preparation): string {
  const share = pages.total === 0 ? 1 : pages.lookedAt / pages.total;
  return `${formatPercent(share)} looked at, ${formatDuration(processorMs)} of a processor`;
}

/** What has become of it. */
export function preparationSummary(preparation: Preparation, paint: Paint): string[] {
  const { id, state, guests, pages, indexBytes, processorMs, expiresAt, error } = preparation;
  const lost = guests.flatMap((one) => (one.lost === null ? [] : [`  ${one.guest}: ${one.lost}`]));
  if (state !== 'ready') {
    const problem = error === null ? [] : problemLines(error, paint);
    return [`preparation ${id} is ${state}`, ...problem, ...lost];
  }
  const bytes = guests.reduce((sum, one) => sum + one.bytes, 0);
  const count = guests.length - lost.length;
  return [
    `${count} ${count === 1 ? 'guest is' : 'guests are'} prepared: ${formatBytes(pages.lone * PAGE_BYTES)} of ` +
      `${formatBytes(bytes)} are like nothing else`,
    `  ${formatDuration(processorMs)} of a processor, ${formatBytes(indexBytes)} of memory; \`pageferry evacuate\` uses it, until ` +
      formatTime(expiresAt),
    ...lost,
  ];
}
