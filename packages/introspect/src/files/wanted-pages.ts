import { PAGE_BYTES } from '../memory/guest-memory.js';

/** Which pages of a file are wanted: only of these the place on the disk is looked for. */
export class WantedPages {
  #indexes = new Uint32Array(1024);
  #count = 0;
  #blockBytes: number = PAGE_BYTES;

  /** @param indexes in any order; each is the position of a page in the file */
  reset(indexes: Uint32Array, pages: Uint32Array, blockBytes: number): void {
    const count = pages.length;
    if (count > this.#indexes.length) this.#indexes = new Uint32Array(2 ** Math.ceil(Math.log2(count)));
    for (let page = 0; page < count; page++) this.#indexes[page] = indexes[pages[page] ?? 0] ?? 0;
    this.#indexes.subarray(0, count).sort();
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
