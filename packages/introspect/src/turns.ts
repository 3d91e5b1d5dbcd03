import { setImmediate as nextTurn } from 'node:timers/promises';

/** Longest time for which other work waits, ms. */
const LONGEST_MS = 4;

/** Of things that take some nanoseconds each. */
const PART = 2 ** 15;

/** Gives other work a turn, but not more often than it pays: what is busy takes long to come back. */
export class Turns {
  readonly #signal: AbortSignal | undefined;
  #begun = performance.now();

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** To be called between pieces of work of at most some hundred microseconds; rejects with what the signal was aborted with. */
  async next(): Promise<void> {
    this.#signal?.throwIfAborted();
    if (performance.now() < this.#begun + LONGEST_MS) return;
    await nextTurn();
    this.#signal?.throwIfAborted();
    this.#begun = performance.now();
  }

  /** Has work done on so many things, the first ones first, with turns of others in between. */
  async parts(count: number, work: (start: number, end: number) => void): Promise<void> {
    for (let start = 0; start < count; start += PART) {
      work(start, Math.min(count, start + PART));
      await this.next();
    }
  }
}
