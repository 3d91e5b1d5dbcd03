import type { BlockPlaces } from './block-places.js';

/** Where a read's blocks lie in it; filled by {@link WantedBlocks.take}. */
export interface BlocksOfRead {
  /** Offsets of the blocks within the read, in bytes. */
  readonly places: Uint32Array;
  readonly ids: Uint32Array;
  count: number;
  /** Of the read, in the image, in bytes. */
  offset: number;
  length: number;
}

export interface ReadShape {
  /** Of a block, in bytes. */
  readonly blockBytes: number;
  /** The longest gap between two blocks that is read, too, in bytes. */
  readonly gapBytes: number;
  /** The longest read, in bytes; a block at least. */
  readonly readBytes: number;
}

/** Sorted places, in one pair of arrays that the places move down in as they are taken. */
class Sweep {
  readonly offsets: Float64Array;
  readonly ids: Uint32Array;
  first = 0;
  end = 0;

  constructor(capacity: number) {
    this.offsets = new Float64Array(capacity);
    this.ids = new Uint32Array(capacity);
  }

  get count(): number {
    return this.end - this.first;
  }

  /** Adds sorted places. There must be room. */
  merge(offsets: Float64Array, ids: Uint32Array, from: number, to: number): void {
    if (from === to) return;
    if (this.end + (to - from) > this.offsets.length) this.#compact();
    let own = this.end - 1;
    let other = to - 1;
    this.end += to - from;
    // From behind: what is moved goes to where nothing is any more.
    for (let at = this.end - 1; other >= from; at--) {
      const ownIsLater = own >= this.first && (this.offsets[own] ?? 0) > (offsets[other] ?? 0);
      this.offsets[at] = (ownIsLater ? this.offsets[own] : offsets[other]) ?? 0;
      this.ids[at] = (ownIsLater ? this.ids[own] : ids[other]) ?? 0;
      if (ownIsLater) own--;
      else other--;
    }
  }

  clear(): void {
    this.first = 0;
    this.end = 0;
  }

  #compact(): void {
    this.offsets.copyWithin(0, this.first, this.end);
    this.ids.copyWithin(0, this.first, this.end);
    this.end -= this.first;
    this.first = 0;
  }
}

/**
 * The blocks of an image that are still to be read, by where they lie. Reads go through the image from its beginning to
 * its end, again and again: what is added behind the last read comes in the next round, so that none waits for ever.
 */
export class WantedBlocks {
  readonly #capacity: number;
  #ahead: Sweep;
  #behind: Sweep;
  /** Where the last read ended that was taken. */
  #position = 0;
  readonly #sortedOffsets: Float64Array;
  readonly #sortedIds: Uint32Array;

  /** @param capacity blocks that may wait at once */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#ahead = new Sweep(capacity);
    this.#behind = new Sweep(capacity);
    this.#sortedOffsets = new Float64Array(capacity);
    this.#sortedIds = new Uint32Array(capacity);
  }

  get count(): number {
    return this.#ahead.count + this.#behind.count;
  }

  /** Blocks that may be added now. */
  get room(): number {
    return this.#capacity - this.count;
  }

  /** @throws RangeError if there is no room for all of them; none is added then */
  add({ offsets, ids, count }: BlockPlaces): void {
    if (count > this.room) throw new RangeError(`${count} blocks, and room for ${this.room}`);
    this.#sort(offsets, ids, count);
    let split = 0;
    while (split < count && (this.#sortedOffsets[split] ?? 0) < this.#position) split++;
    this.#behind.merge(this.#sortedOffsets, this.#sortedIds, 0, split);
    this.#ahead.merge(this.#sortedOffsets, this.#sortedIds, split, count);
  }

  /**
   * Takes the blocks of the next read, which `read` has as many places for as a read can have sectors.
   * @returns false if there are none
   */
  take(read: BlocksOfRead, { blockBytes, gapBytes, readBytes }: ReadShape): boolean {
    if (this.#ahead.count === 0) [this.#ahead, this.#behind] = [this.#behind, this.#ahead];
    const sweep = this.#ahead;
    if (sweep.count === 0) return false;
    const { offsets, ids } = sweep;
    const start = offsets[sweep.first] ?? 0;
    const last = Math.min(sweep.end, sweep.first + read.places.length);
    let end = start;
    let count = 0;
    for (let index = sweep.first; index < last; index++) {
      const offset = offsets[index] ?? 0;
      if (count > 0 && (offset - end > gapBytes || offset + blockBytes - start > readBytes)) break;
      read.places[count] = offset - start;
      read.ids[count] = ids[index] ?? 0;
      count++;
      end = offset + blockBytes;
    }
    sweep.first += count;
    if (sweep.count === 0) sweep.clear();
    this.#position = end;
    read.count = count;
    read.offset = start;
    read.length = end - start;
    return true;
  }

  clear(): void {
    this.#ahead.clear();
    this.#behind.clear();
    this.#position = 0;
  }

  #sort(offsets: Float64Array, ids: Uint32Array, count: number): void {
    let sorted = true;
    for (let index = 0; index < count; index++) {
      const offset = offsets[index] ?? 0;
      this.#sortedOffsets[index] = offset;
      this.#sortedIds[index] = ids[index] ?? 0;
      if (index > 0 && offset < (offsets[index - 1] ?? 0)) sorted = false;
    }
    if (sorted) return;
    const order = Uint32Array.from({ length: count }, (_, index) => index);
    order.sort((left, right) => (offsets[left] ?? 0) - (offsets[right] ?? 0));
    for (let index = 0; index < count; index++) {
      const from = order[index] ?? 0;
      this.#sortedOffsets[index] = offsets[from] ?? 0;
      this.#sortedIds[index] = ids[from] ?? 0;
    }
  }
}
