import type { Migration } from '../api/schemas.js';
import type { Sink } from '../environment.js';
import type { Paint } from './colours.js';
import { phaseOf } from './phases.js';
import { progressOf } from './progress-of.js';
import type { ProgressView } from './progress-view.js';
import { RedrawnBlock } from './redrawn-block.js';
import { formatBytes, formatDuration, formatPercent, formatRate } from './units.js';

const LABEL_WIDTH = 12;
const MOST_BAR = 40;
const PERCENT_WIDTH = 6;
const UNKNOWN = '-';

/** A migration as a block of lines that redraws itself at the bottom of a terminal. */
export class LiveView implements ProgressView<Migration> {
  readonly #block: RedrawnBlock;
  readonly #paint: Paint;

  constructor(sink: Sink, paint: Paint) {
    this.#block = new RedrawnBlock(sink, paint);
    this.#paint = paint;
  }

  show(migration: Migration): void {
    this.#block.draw(this.#linesOf(migration));
  }

  note(lines: readonly string[]): void {
    this.#block.note(lines);
  }

  ask(question: string | undefined): void {
    this.#block.ask(question);
  }

  close(): void {
    this.#block.close();
  }

  #linesOf(migration: Migration): string[] {
    const { guest, destination, mode, bandwidth, dirtyRate, bytes, totalMs } = migration;
    const { arrived, remainingBytes, leftMs, downtimeMs } = progressOf(migration);
    const rate = bandwidth === null ? UNKNOWN : formatRate(bandwidth);
    const dirty = dirtyRate === null ? UNKNOWN : formatRate(dirtyRate);
    const remaining = remainingBytes === undefined ? UNKNOWN : formatBytes(remainingBytes);
    const left = leftMs === undefined ? '' : `, about ${formatDuration(leftMs)} left`;
    return [
      this.#paint('bold', `${guest} to ${destination.url}, ${mode}`.slice(0, this.#block.width)),
      this.#bar(arrived ?? 0),
      this.#row('phase', phaseOf(migration)),
      this.#row('memory', `${remaining} remaining, ${formatBytes(bytes.sent)} sent`),
      this.#row('rate', `${rate}, dirty rate ${dirty}`),
      this.#row('time', `${formatDuration(totalMs)}${left}`),
      this.#row('downtime', downtimeMs === undefined ? UNKNOWN : formatDuration(downtimeMs)),
    ];
  }

  #row(label: string, text: string): string {
    const shown = text.slice(0, this.#block.width - LABEL_WIDTH);
    return `${this.#paint('dim', `  ${label}`.padEnd(LABEL_WIDTH))}${shown}`;
  }

  #bar(fraction: number): string {
    const width = Math.min(Math.max(this.#block.width - PERCENT_WIDTH - 2, 1), MOST_BAR);
    const full = Math.floor(fraction * width);
    const bar = `${this.#paint('green', '█'.repeat(full))}${'░'.repeat(width - full)}`;
    return `  ${bar} ${formatPercent(fraction)}`;
  }
}
