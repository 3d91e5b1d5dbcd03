import type { PageSet } from '@pageferry/transfer';
import type { Workload } from './workload.js';

export interface SweepOptions {
  /** Of the part of the memory that it goes through, from the guest's first page on. */
  readonly pages: number;
  readonly pagesPerSecond: number;
}

/** Goes through a part of the memory from its beginning to its end, again and again. */
export class Sweep implements Workload {
  readonly #options: SweepOptions;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  write(dirtied: PageSet, fromMs: number, toMs: number): void {
    const { pages, pagesPerSecond } = this.#options;
    const from = Math.floor((fromMs * pagesPerSecond) / 1000);
    const to = Math.floor((toMs * pagesPerSecond) / 1000);
    const count = Math.min(to - from, pages);
    const first = from % pages;
    const upToEnd = Math.min(count, pages - first);
    dirtied.addRange(first, upToEnd);
    dirtied.addRange(0, count - upToEnd);
  }
}
