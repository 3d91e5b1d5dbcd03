import { PAGE_BYTES } from '../memory/guest-memory.js';

/** Which pages of a file are wanted: only of these the place on the disk is looked for. */
export class WantedPages {
  readonly #indexes: Uint32Array;
  #count = 0;
  #blockBytes: number = PAGE_BYTES;

  /** @param most of them at once */
  constructor(most: number) {
    this.#indexes = new Uint32Array(most);
  }

  /**
   * @param indexes where pages are in the file
   * @param pages positions in `indexes`, in any order, of which the first `count` are wanted
   */
  reset(indexes: Uint32Array, pages: Uint32Array, count: number, blockBytes: number): void {
    let last = 0;
    let isSorted = true;
    for (let page = 0; page < count; page++) {
      const index = indexes[pages[page] ?? 0] ?? 0;
      this.#indexes[page] = index;
      if (index < last) isSorted = false;
      last = index;
    }
    if (!isSorted) this.#indexes.subarray(0, count).sort();
    this.#count = count;
    this.#blockBytes = blockBytes;
  }

  /** Whether one of them lies, in part at least, in the blocks from `start` on to before `end`. */
  anyIn(start: number, end: number): boolean {
    const first = Math.floor((start * this.#blockBytes) / PAGE_BYTES);
    const behind = (end * this.#blockBytes) / PAGE_BYTES;
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#indexes[middle] ?? 0) < first) low = middle + 1;
      else high = middle;
    }
    return low < this.#count && (this.#indexes[low] ?? 0) < behind;
  }
}
