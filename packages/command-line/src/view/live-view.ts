import type { Migration } from '../api/schemas.js';
import type { Sink } from '../environment.js';
import type { Paint } from './colours.js';
import { writeLines, type MigrationView } from './migration-view.js';
import { phaseOf } from './phases.js';
import { progressOf } from './progress-of.js';
import { formatBytes, formatDuration, formatPercent, formatRate } from './units.js';

const LABEL_WIDTH = 12;
const MOST_BAR = 40;
const PERCENT_WIDTH = 6;
const UNKNOWN = '-';

/** A block of lines that redraws itself at the bottom of a terminal. */
export class LiveView implements MigrationView {
  readonly #sink: Sink;
  readonly #paint: Paint;
  #migration: Migration | undefined;
  #question: string | undefined;
  #drawnLines = 0;

  constructor(sink: Sink, paint: Paint) {
    this.#sink = sink;
    this.#paint = paint;
  }

  show(migration: Migration): void {
    this.#migration = migration;
    this.#draw();
  }

  note(lines: readonly string[]): void {
    this.#sink.write(this.#erasure());
    this.#drawnLines = 0;
    writeLines(this.#sink, lines);
    this.#draw();
  }

  ask(question: string | undefined): void {
    this.#question = question;
    this.#draw();
  }

  close(): void {
    this.#sink.write(this.#erasure());
    this.#drawnLines = 0;
    this.#migration = undefined;
    this.#question = undefined;
  }

  #draw(): void {
    const lines = this.#migration === undefined ? [] : this.#block(this.#migration);
    const width = this.#width;
    if (this.#question !== undefined) lines.push(this.#paint('bold', this.#question.slice(0, width)));
    this.#sink.write(`${this.#erasure()}${lines.map((line) => `${line}\n`).join('')}`);
    this.#drawnLines = lines.length;
  }

  #erasure(): string {
    return this.#drawnLines === 0 ? '' : `\x1b[${this.#drawnLines}A\r\x1b[J`;
  }

  /** A line that wrapped would be two, and the next redraw would begin in the wrong one. */
  get #width(): number {
    return Math.max(this.#sink.columns - 1, LABEL_WIDTH + 1);
  }

  #block(migration: Migration): string[] {
    const { guest, destination, mode, bandwidth, dirtyRate, bytes, totalMs } = migration;
    const { arrived, remainingBytes, leftMs, downtimeMs } = progressOf(migration);
    const rate = bandwidth === null ? UNKNOWN : formatRate(bandwidth);
    const dirty = dirtyRate === null ? UNKNOWN : formatRate(dirtyRate);
    const remaining = remainingBytes === undefined ? UNKNOWN : formatBytes(remainingBytes);
    const left = leftMs === undefined ? '' : `, about ${formatDuration(leftMs)} left`;
    return [
      this.#paint('bold', `${guest} to ${destination.url}, ${mode}`.slice(0, this.#width)),
      this.#bar(arrived ?? 0),
      this.#row('phase', phaseOf(migration)),
      this.#row('memory', `${remaining} remaining, ${formatBytes(bytes.sent)} sent`),
      this.#row('rate', `${rate}, dirty rate ${dirty}`),
      this.#row('time', `${formatDuration(totalMs)}${left}`),
      this.#row('downtime', downtimeMs === undefined ? UNKNOWN : formatDuration(downtimeMs)),
    ];
  }

  #row(label: string, text: string): string {
    const shown = text.slice(0, this.#width - LABEL_WIDTH);
    return `${this.#paint('dim', `  ${label}`.padEnd(LABEL_WIDTH))}${shown}`;
  }

  #bar(fraction: number): string {
    const width = Math.min(Math.max(this.#width - PERCENT_WIDTH - 2, 1), MOST_BAR);
    const full = Math.floor(fraction * width);
    const bar = `${this.#paint('green', '█'.repeat(full))}${'░'.repeat(width - full)}`;
    return `  ${bar} ${formatPercent(fraction)}`;
  }
}
