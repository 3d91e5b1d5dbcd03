import { PAGE_SIZE, type PageLayout } from '@pageferry/transfer';
import type { GuestPhysicalRange } from './guest-physical-ranges.js';
import type { MemoryReader } from './memory-reader.js';

/** Consecutive pages of a guest's memory, as the guest counts them and as a migration does. */
export interface PhysicalPages {
  /** Place of the first one among all pages that the guest sees, upwards without the holes. */
  readonly place: number;
  /** Page index of the first one, see `PageLayout`. */
  readonly page: number;
  readonly count: number;
}

interface Piece extends PhysicalPages {
  /** Guest-physical, bytes. */
  readonly start: number;
  readonly length: number;
  readonly block: number;
  readonly blockOffset: number;
}

/** A guest's memory by guest-physical addresses, while it runs, with whatever the moment gives. */
export class GuestPhysicalMemory {
  readonly #reader: Pick<MemoryReader, 'readSync'>;
  readonly #pieces: readonly Piece[];

  /** @param layout of the blocks that `reader` was opened with */
  constructor(
    reader: Pick<MemoryReader, 'readSync'>,
    layout: PageLayout,
    ranges: readonly GuestPhysicalRange[],
  ) {
    this.#reader = reader;
    const pieces: Piece[] = [];
    let place = 0;
    for (const { start, length, blockName, blockOffset } of ranges) {
      const block = layout.blockNamed(blockName);
      const count = Math.floor(length / PAGE_SIZE);
      // What does not begin where a page begins is no RAM that a guest's kernel manages.
      if (block === undefined || count === 0 || start % PAGE_SIZE !== 0 || blockOffset % PAGE_SIZE !== 0)
        continue;
      const page = layout.pageIndex(block, blockOffset);
      pieces.push({ start, length: count * PAGE_SIZE, block: block.index, blockOffset, place, page, count });
      place += count;
    }
    this.#pieces = pieces;
  }

  /** Guest-physical, ascending; bytes, whole pages. */
  get ranges(): readonly { readonly start: number; readonly length: number }[] {
    return this.#pieces;
  }

  /** All pages, by their places. */
  get pages(): readonly PhysicalPages[] {
    return this.#pieces;
  }

  /** The page index of the page at this place; -1 if there is none. */
  pageAt(place: number): number {
    for (const { place: first, page, count } of this.#pieces) {
      if (place >= first && place < first + count) return page + place - first;
    }
    return -1;
  }

  /**
   * Fills `target`.
   * @throws `memory-unreadable`; RangeError if not all of it is in one range
   */
  read(address: number, target: Uint8Array): void {
    for (const { start, length, block, blockOffset } of this.#pieces) {
      if (address < start || address >= start + length) continue;
      if (address + target.length > start + length) break;
      this.#reader.readSync(block, blockOffset + address - start, target, 0, target.length);
      return;
    }
    throw new RangeError(
      `${target.length} bytes at the guest-physical address ${address} are not in one range`,
    );
  }
}
