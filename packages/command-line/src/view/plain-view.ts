import type { Migration } from '../api/schemas.js';
import type { Sink } from '../environment.js';
import { phaseOf } from './phases.js';
import { progressOf } from './progress-of.js';
import { writeLines, type ProgressView } from './progress-view.js';
import { formatBytes, formatDuration, formatPercent, formatRate } from './units.js';

/** Of the migration's own time, between two lines about the same state, ms. */
const QUIET_MS = 5_000;

/** A line for each state, and one now and then in between. */
export class PlainView implements ProgressView<Migration> {
  readonly #sink: Sink;
  #state: string | undefined;
  #nextMs = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  show(migration: Migration): void {
    const { state, totalMs } = migration;
    if (state === this.#state && totalMs < this.#nextMs) return;
    this.#state = state;
    this.#nextMs = totalMs + QUIET_MS;
    this.note([describe(migration)]);
  }

  note(lines: readonly string[]): void {
    writeLines(this.#sink, lines);
  }

  ask(question: string | undefined): void {
    if (question !== undefined) this.note([question]);
  }

  close(): void {
    // Every line stays.
  }
}

function describe(migration: Migration): string {
  const { state, bandwidth, dirtyRate, bytes, totalMs } = migration;
  const { arrived, remainingBytes, leftMs, downtimeMs } = progressOf(migration);
  const parts = [
    `${state}: ${phaseOf(migration)}`,
    arrived !== undefined && `${formatPercent(arrived)} arrived`,
    remainingBytes !== undefined && `${formatBytes(remainingBytes)} remaining`,
    `${formatBytes(bytes.sent)} sent`,
    bandwidth !== null && `rate ${formatRate(bandwidth)}`,
    dirtyRate !== null && `dirty rate ${formatRate(dirtyRate)}`,
    leftMs !== undefined && `about ${formatDuration(leftMs)} left`,
    downtimeMs !== undefined && `downtime ${formatDuration(downtimeMs)}`,
    `after ${formatDuration(totalMs)}`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}
