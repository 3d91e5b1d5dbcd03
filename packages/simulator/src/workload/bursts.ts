import type { PageSet } from '@pageferry/transfer';
import type { Workload } from './workload.js';

export interface BurstsOptions {
  readonly writingMs: number;
  readonly idleMs: number;
}

/** A workload that rests regularly. */
export class Bursts implements Workload {
  readonly #workload: Workload;
  readonly #options: BurstsOptions;

  constructor(workload: Workload, options: BurstsOptions) {
    this.#workload = workload;
    this.#options = options;
  }

  write(dirtied: PageSet, fromMs: number, toMs: number): void {
    const { writingMs, idleMs } = this.#options;
    const period = writingMs + idleMs;
    for (let begin = Math.floor(fromMs / period) * period; begin < toMs; begin += period) {
      const from = Math.max(fromMs, begin);
      const to = Math.min(toMs, begin + writingMs);
      if (from < to) this.#workload.write(dirtied, from, to);
    }
  }
}
