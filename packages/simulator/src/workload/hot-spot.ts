import type { PageSet } from '@pageferry/transfer';
import type { Random } from '../random.js';
import { hitEvenly } from './even-writes.js';
import type { Workload } from './workload.js';

export interface HotSpotOptions {
  /** Of the guest. */
  readonly pages: number;
  readonly pagesPerSecond: number;
  /** Part of the memory that is hot, from 0 to 1. */
  readonly hotFraction: number;
  /** Part of the writes that go there; the others go anywhere else. */
  readonly hotShare: number;
}

/** Writes to random pages, most of them within a part of the memory: with a share of 1 and a fraction of 1, anywhere. */
export class HotSpot implements Workload {
  readonly #options: HotSpotOptions;
  readonly #random: Random;
  readonly #hotPages: number;
  readonly #hotFirst: number;

  constructor(options: HotSpotOptions, random: Random) {
    this.#options = options;
    this.#random = random;
    this.#hotPages = Math.max(Math.round(options.pages * options.hotFraction), 1);
    this.#hotFirst = Math.floor((options.pages - this.#hotPages) / 4);
  }

  write(dirtied: PageSet, fromMs: number, toMs: number): void {
    const { pages, pagesPerSecond, hotShare } = this.#options;
    const writes = ((toMs - fromMs) * pagesPerSecond) / 1000;
    const hotEnd = this.#hotFirst + this.#hotPages;
    hitEvenly(this.#hotPages, writes * hotShare, this.#random, (first, count) => {
      dirtied.addRange(this.#hotFirst + first, count);
    });
    hitEvenly(pages - this.#hotPages, writes * (1 - hotShare), this.#random, (first, count) => {
      const before = Math.min(Math.max(this.#hotFirst - first, 0), count);
      dirtied.addRange(first, before);
      dirtied.addRange(Math.max(first + this.#hotPages, hotEnd), count - before);
    });
  }
}
