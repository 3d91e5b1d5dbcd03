import { bitsFrom, bitsUpTo, highestBit, lowestBit, popcount } from './bits.js';
import type { PageLayout } from './page-layout.js';

/**
 * A set of pages of one guest: one bit a page, 32 MiB for a guest of 1 TiB.
 *
 * Only pages that exist can be in it. No method allocates, except {@link clone}.
 */
export class PageSet {
  readonly layout: PageLayout;
  readonly #words: Uint32Array;
  #count = 0;

  /** An empty set. */
  constructor(layout: PageLayout) {
    this.layout = layout;
    this.#words = new Uint32Array(layout.capacity / 32);
  }

  /** Pages in the set. */
  get count(): number {
    return this.#count;
  }

  has(page: number): boolean {
    return ((this.#word(page >>> 5) >>> (page & 31)) & 1) === 1;
  }

  /** @throws RangeError if there is no such page. */
  add(page: number): void {
    this.layout.blockOfPage(page);
    this.#addBits(page >>> 5, 1 << (page & 31));
  }

  delete(page: number): void {
    if (this.has(page)) this.#deleteBits(page >>> 5, 1 << (page & 31));
  }

  /**
   * Adds `count` consecutive pages of one block.
   *
   * @throws RangeError if any of them does not exist.
   */
  addRange(first: number, count: number): void {
    if (count <= 0) return;
    const block = this.layout.blockOfPage(first);
    const last = first + count - 1;
    if (last >= block.firstPage + block.pageCount) {
      throw new RangeError(`RAM block ${block.name} has no ${count} pages from index ${first} on`);
    }
    const lastWord = last >>> 5;
    for (let index = first >>> 5; index <= lastWord; index++)
      this.#addBits(index, bitsOfRange(index, first, last));
  }

  /** Deletes `count` consecutive page indices, whether or not they are in the set. */
  deleteRange(first: number, count: number): void {
    const last = Math.min(first + count, this.layout.capacity) - 1;
    const lastWord = last >> 5;
    for (let index = first >>> 5; index <= lastWord; index++)
      this.#deleteBits(index, bitsOfRange(index, first, last));
  }

  clear(): void {
    this.#words.fill(0);
    this.#count = 0;
  }

  /** Adds every page that exists. */
  fill(): void {
    for (const block of this.layout.blocks) this.addRange(block.firstPage, block.pageCount);
  }

  /** Adds the pages of `other`, a set over an equal layout. */
  addAll(other: PageSet): void {
    this.#refuseOtherLayout(other);
    if (other.#count === 0) return;
    for (let index = 0; index < this.#words.length; index++) {
      const bits = other.#word(index);
      if (bits !== 0) this.#addBits(index, bits);
    }
  }

  /** Deletes the pages of `other`, a set over an equal layout. */
  deleteAll(other: PageSet): void {
    this.#refuseOtherLayout(other);
    if (other.#count === 0 || this.#count === 0) return;
    for (let index = 0; index < this.#words.length; index++) {
      const bits = other.#word(index);
      if (bits !== 0) this.#deleteBits(index, bits);
    }
  }

  /** Deletes the pages that are not in `other`, a set over an equal layout. */
  retainAll(other: PageSet): void {
    this.#refuseOtherLayout(other);
    if (this.#count === 0) return;
    for (let index = 0; index < this.#words.length; index++) this.#deleteBits(index, ~other.#word(index));
  }

  /** The lowest page in the set within `from` ≤ page < `limit`, or -1. */
  nextSet(from: number, limit = this.layout.capacity): number {
    if (this.#count === 0 || from >= limit) return -1;
    const start = Math.max(from, 0);
    const words = this.#words;
    const lastIndex = (Math.min(limit, this.layout.capacity) - 1) >>> 5;
    let index = start >>> 5;
    let word = this.#word(index) & bitsFrom(start & 31);
    while (word === 0) {
      if (++index > lastIndex) return -1;
      word = words[index] ?? 0;
    }
    const page = index * 32 + lowestBit(word);
    return page < limit ? page : -1;
  }

  /** The highest page in the set up to and including `from`, or -1. */
  previousSet(from: number): number {
    if (this.#count === 0 || from < 0) return -1;
    const start = Math.min(from, this.layout.capacity - 1);
    const words = this.#words;
    let index = start >>> 5;
    let word = this.#word(index) & bitsUpTo(start & 31);
    while (word === 0) {
      if (--index < 0) return -1;
      word = words[index] ?? 0;
    }
    return index * 32 + highestBit(word);
  }

  /** The lowest index not in the set within `from` ≤ index < `limit`, or `limit`. */
  nextClear(from: number, limit: number): number {
    if (from >= limit) return limit;
    const end = Math.min(limit, this.layout.capacity);
    let index = from >>> 5;
    let clear = ~this.#word(index) & bitsFrom(from & 31);
    while (clear === 0) {
      if (++index * 32 >= end) return end;
      clear = ~this.#word(index);
    }
    return Math.min(index * 32 + lowestBit(clear), limit);
  }

  /** Consecutive pages in the set from `from` upwards, at most `max`. They are pages of one block. */
  runLength(from: number, max: number): number {
    return this.nextClear(from, from + max) - from;
  }

  /** Consecutive pages in the set from `from` downwards, at most `max`. They are pages of one block. */
  runLengthBack(from: number, max: number): number {
    if (max <= 0 || !this.has(from)) return 0;
    const bound = Math.min(max, from + 1);
    let index = from >>> 5;
    let clear = ~this.#word(index) & bitsUpTo(from & 31);
    while (clear === 0) {
      if (from - index * 32 + 1 >= bound) return bound;
      clear = ~this.#word(--index);
    }
    return Math.min(from - (index * 32 + highestBit(clear)), bound);
  }

  /** Pages in the set among `count` consecutive indices. */
  countRange(first: number, count: number): number {
    const last = Math.min(first + count, this.layout.capacity) - 1;
    const lastWord = last >> 5;
    let sum = 0;
    for (let index = first >>> 5; index <= lastWord; index++) {
      sum += popcount(this.#word(index) & bitsOfRange(index, first, last));
    }
    return sum;
  }

  /**
   * Calls `visit` with every run of consecutive pages, upwards; a run never spans two blocks.
   * `visit` may delete the pages it is given.
   *
   * @param maxRun pages; longer runs come in pieces of at most this many.
   */
  forEachRun(visit: (first: number, count: number) => void, maxRun = Number.MAX_SAFE_INTEGER): void {
    if (!(maxRun >= 1)) throw new RangeError(`A run cannot be limited to ${maxRun} pages`);
    let first = this.nextSet(0);
    while (first !== -1) {
      const count = this.runLength(first, maxRun);
      visit(first, count);
      first = this.nextSet(first + count);
    }
  }

  /** Adds what makes every host page that is partly in the set wholly part of it. */
  growToHostPages(): void {
    for (const { firstPage, pageCount, pagesPerHostPage } of this.layout.blocks) {
      if (pagesPerHostPage === 1) continue;
      const end = firstPage + pageCount;
      let page = this.nextSet(firstPage);
      while (page !== -1 && page < end) {
        const hostPage = page - ((page - firstPage) % pagesPerHostPage);
        this.addRange(hostPage, Math.min(pagesPerHostPage, end - hostPage));
        page = this.nextSet(hostPage + pagesPerHostPage);
      }
    }
  }

  clone(): PageSet {
    const copy = new PageSet(this.layout);
    copy.#words.set(this.#words);
    copy.#count = this.#count;
    return copy;
  }

  #word(index: number): number {
    return this.#words[index] ?? 0;
  }

  #addBits(index: number, bits: number): void {
    const before = this.#word(index);
    this.#words[index] = before | bits;
    this.#count += popcount(bits & ~before);
  }

  #deleteBits(index: number, bits: number): void {
    const before = this.#word(index);
    this.#words[index] = before & ~bits;
    this.#count -= popcount(bits & before);
  }

  #refuseOtherLayout(other: PageSet): void {
    if (other.layout !== this.layout && other.layout.capacity !== this.layout.capacity) {
      throw new RangeError('The two page sets are of different guests');
    }
  }
}

/** The bits of word `index` that stand for indices within `first` ≤ index ≤ `last`. */
function bitsOfRange(index: number, first: number, last: number): number {
  const from = first >>> 5 === index ? bitsFrom(first & 31) : -1;
  const upTo = last >>> 5 === index ? bitsUpTo(last & 31) : -1;
  return from & upTo;
}
