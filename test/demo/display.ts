import type { Migration } from '../agents/migration.js';
import { bytes, duration, percent, rate } from './format.js';

/** Shows how the demo goes on. */
export interface Display {
  line(text: string): void;
  progress(migration: Migration): void;
}

const barWidth = 30;
/** Between two lines of progress where there is no terminal. */
const quietMs = 1000;

function arrived({ memory, remainingPages }: Migration): number {
  return memory === null ? 0 : 1 - remainingPages / memory.pages;
}

function describe(migration: Migration): string {
  const { state, iterations, bandwidth, dirtyRate, totalMs } = migration;
  return [
    `${percent(arrived(migration))} ${state}`,
    ...(iterations > 1 ? [`iteration ${iterations}`] : []),
    ...(bandwidth === null ? [] : [rate(bandwidth)]),
    ...(dirtyRate === null ? [] : [`the guest writes ${rate(dirtyRate)}`]),
    `${bytes(migration.bytes.sent)} sent`,
    duration(totalMs),
  ].join(', ');
}

/** A bar that redraws itself. */
export class TerminalDisplay implements Display {
  readonly #output: NodeJS.WriteStream;
  #drawn = false;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  line(text: string): void {
    this.#output.write(this.#drawn ? `\n${text}\n` : `${text}\n`);
    this.#drawn = false;
  }

  progress(migration: Migration): void {
    const full = Math.round(arrived(migration) * barWidth);
    const bar = '█'.repeat(full) + '░'.repeat(barWidth - full);
    this.#output.write(`\r\x1b[K${`${bar} ${describe(migration)}`.slice(0, this.#output.columns - 1)}`);
    this.#drawn = true;
  }
}

/** A line for each state, and one now and then in between. */
export class PlainDisplay implements Display {
  #state: string | undefined;
  #lastMs = 0;

  line(text: string): void {
    console.log(text);
  }

  progress(migration: Migration): void {
    const now = performance.now();
    if (migration.state === this.#state && now < this.#lastMs + quietMs) return;
    this.#state = migration.state;
    this.#lastMs = now;
    this.line(`  ${describe(migration)}`);
  }
}
