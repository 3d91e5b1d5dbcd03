import type { Outcome } from '../move/outcome.js';
import { formatBytes, formatDuration } from '../units.js';

const headings = ['', 'total time', 'sent', 'sent pages', 'after the stop', 'downtime', 'looks', 'converged'];

function converged({ strategy, reason }: Outcome): string {
  if (reason === 'switch-over') return 'yes';
  if (strategy === 'hybrid') return 'by post-copy';
  return reason === 'stalled' ? 'no, and says so' : 'no, time is up';
}

/** Outcomes next to each other, as text. */
export function tableOf(outcomes: readonly Outcome[], guestBytes: number): string {
  const rows = outcomes.map((outcome) => [
    outcome.strategy,
    formatDuration(outcome.totalMs),
    `${formatBytes(outcome.sentBytes)} (${(outcome.sentBytes / guestBytes).toFixed(2)} x)`,
    String(Math.round(outcome.sentPages)),
    formatBytes(outcome.sentAfterStopBytes),
    formatDuration(outcome.downtimeMs),
    String(outcome.iterations),
    converged(outcome),
  ]);
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [headings, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
