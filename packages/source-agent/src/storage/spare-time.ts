import { performance } from 'node:perf_hooks';

/** Between two looks, ms. */
const INTERVAL_MS = 300;
/** Of the time between two looks. */
const MOST_BUSY = 0.3;

/**
 * Whether this thread had time to spare of late. It has none if it waits for a processor that others use, either: what more it asks of
 * the host then takes time from a guest, or from the network.
 */
export class SpareTime {
  readonly #intervalMs: number;
  #lookedAt = performance.now();
  #before = performance.eventLoopUtilization();
  #hasSome = false;

  /** @param intervalMs between two looks */
  constructor(intervalMs = INTERVAL_MS) {
    this.#intervalMs = intervalMs;
  }

  /** Between the last two looks; not before they are known. */
  get hasSome(): boolean {
    const now = performance.now();
    if (now >= this.#lookedAt + this.#intervalMs) {
      const current = performance.eventLoopUtilization();
      this.#hasSome = performance.eventLoopUtilization(current, this.#before).utilization < MOST_BUSY;
      this.#before = current;
      this.#lookedAt = now;
    }
    return this.#hasSome;
  }
}
