import type { Gang, Member } from '../api/gang-schemas.js';
import type { Sink } from '../environment.js';
import { gangTotals } from './gang-totals.js';
import { memberProgress } from './member-progress.js';
import { writeLines, type ProgressView } from './progress-view.js';
import { formatDuration } from './units.js';

/** Of the gang's own time, between two lines when nothing changes, ms. */
const QUIET_MS = 5_000;
const BEGINNING = 'waiting';

/** A line whenever a guest's state changes, and how all of them stand now and then in between. */
export class PlainGangView implements ProgressView<Gang> {
  readonly #sink: Sink;
  readonly #states = new Map<string, string>();
  #nextMs = QUIET_MS;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  show(gang: Gang): void {
    const lines = gang.guests.filter((member) => this.#hasChanged(member)).map(describe);
    if (lines.length === 0 && gang.totalMs >= this.#nextMs) lines.push(gangTotals(gang));
    if (lines.length > 0) this.#nextMs = gang.totalMs + QUIET_MS;
    this.note(lines);
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

  #hasChanged(member: Member): boolean {
    const { state } = memberProgress(member);
    const before = this.#states.get(member.guest) ?? BEGINNING;
    this.#states.set(member.guest, state);
    return state !== before;
  }
}

function describe(member: Member): string {
  const { guest, error, totalMs, downtimeMs } = member;
  const { state, arrived, remaining, sent, downtime } = memberProgress(member);
  const parts = [
    `${guest}: ${state}`,
    remaining !== '-' && `${arrived} arrived, ${remaining} remaining`,
    sent !== '-' && `${sent} sent`,
    downtimeMs !== null && `downtime ${downtime}`,
    totalMs !== null && `after ${formatDuration(totalMs)}`,
    error !== null && (error.detail ?? error.title),
  ];
  return parts.filter((part) => part !== false).join(', ');
}
