import type { PageLayout } from '@pageferry/transfer';
import { MAX_BLOCK_RECORDS } from '@pageferry/wire';

/** Pages of one RAM block that one frame is to name, and where they lie on a disk; used again and again. */
export class PlacedPages {
  /** Page indices. */
  readonly pages = new Uint32Array(MAX_BLOCK_RECORDS);
  /** bytes */
  readonly offsets = new Float64Array(MAX_BLOCK_RECORDS);
  count = 0;
  readonly #layout: PageLayout;

  constructor(layout: PageLayout) {
    this.#layout = layout;
  }

  /** Whether a page may be named together with those that are here. */
  hasRoomFor(page: number): boolean {
    if (this.count === 0) return true;
    if (this.count === MAX_BLOCK_RECORDS) return false;
    return this.#layout.blockOfPage(page) === this.#layout.blockOfPage(this.pages[0] ?? 0);
  }

  add(page: number, offset: number): void {
    this.pages[this.count] = page;
    this.offsets[this.count] = offset;
    this.count++;
  }
}
