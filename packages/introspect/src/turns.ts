import { setImmediate as nextTurn } from 'node:timers/promises';

/** Longest time for which other work waits, ms. */
const LONGEST_MS = 4;

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
}
