import type { PageWords } from '../page-delta.js';
import { PAGE_SIZE } from '../page-layout.js';
import { ContentIndex } from './content-index.js';
import { ContentStore } from './content-store.js';
import type { HashBytes } from './hash-bytes.js';
import { SimilarContents } from './similar-contents.js';

/** Pages that are looked up at once. */
export const LOOKED_UP_AT_ONCE = 64;
const NONE = -1;

/**
 * The source's side of a content store: finds the slots that have the content of pages, and decides which slot a new content
 * gets. Contents that were found again since the last time round stay, the others go in the order in which they came.
 *
 * A hash only says where to look: what is answered has been compared, byte by byte, with what the destination has in this
 * slot. Beside the contents it takes 77 bytes a slot at most: 24 for the index of hashes, 48 for what resembles what.
 */
export class ContentDictionary {
  readonly store: ContentStore;
  /** What {@link lookUp} has found: the slot with the content of each page, or -1. */
  readonly slots = new Int32Array(LOOKED_UP_AT_ONCE);
  readonly #index: ContentIndex;
  readonly #similar: SimilarContents;
  readonly #hash: HashBytes;
  /** Contents that were found since the hand went by. */
  readonly #found: Uint8Array;
  /** Of the pages that were looked up last; as words, the low one first. */
  readonly #hashes = new BigUint64Array(LOOKED_UP_AT_ONCE);
  readonly #words = new Uint32Array(this.#hashes.buffer);
  /** The slot that is looked at next when one is needed. */
  #hand = 0;

  /** @param bytes most that the contents may take */
  constructor(bytes: number, hash: HashBytes) {
    this.store = new ContentStore(bytes);
    this.#index = new ContentIndex(this.store.slots);
    this.#similar = new SimilarContents(this.store.slots);
    this.#hash = hash;
    this.#found = new Uint8Array(this.store.slots);
  }

  /**
   * Looks up `count` pages, at most {@link LOOKED_UP_AT_ONCE}, of which one begins every `stride` bytes.
   * @param skip by page: 1, if it is not to be looked up, and so is not found; it must not be kept then
   * @returns how many were found; which, and where, is in {@link slots}
   */
  lookUp(bytes: Buffer, start: number, stride: number, count: number, skip?: Uint8Array): number {
    let found = 0;
    for (let page = 0; page < count; page++) {
      const slot = skip?.[page] === 1 ? NONE : this.#find(page, bytes, start + page * stride);
      this.slots[page] = slot;
      if (slot !== NONE) found++;
    }
    return found;
  }

  /**
   * Keeps the content of a page that was not found: the `page`-th of those that were looked up last, now at `offset`.
   * @returns its slot, which may be one that others were found in: what refers to them has to go before; -1 if there are none
   */
  keep(page: number, bytes: Buffer, offset: number): number {
    if (this.store.slots === 0) return NONE;
    const slot = this.#nextSlot();
    if (this.store.generation(slot) !== 0) this.#index.remove(slot);
    this.store.put(slot, bytes, offset);
    this.#index.add(slot, this.#low(page), this.#high(page));
    this.#similar.add(slot, this.store.content(slot));
    return slot;
  }

  /** The slot whose content a page, that was not found, seems to resemble most; -1 if there is none. */
  findSimilar(page: PageWords): number {
    const slot = this.#similar.find(page);
    if (slot !== NONE) this.#found[slot] = 1;
    return slot;
  }

  #find(page: number, bytes: Buffer, offset: number): number {
    const end = offset + PAGE_SIZE;
    this.#hashes[page] = this.#hash(bytes.subarray(offset, end));
    this.#index.seek(this.#low(page), this.#high(page));
    for (let slot = this.#index.next(); slot !== NONE; slot = this.#index.next()) {
      const known = this.store.content(slot);
      if (known.bytes.compare(bytes, offset, end, known.offset, known.offset + PAGE_SIZE) !== 0) continue;
      this.#found[slot] = 1;
      return slot;
    }
    return NONE;
  }

  /** Second chance: one round at most, as every look takes a mark away. */
  #nextSlot(): number {
    while (this.#found[this.#hand] === 1) {
      this.#found[this.#hand] = 0;
      this.#advance();
    }
    const slot = this.#hand;
    this.#advance();
    return slot;
  }

  #advance(): void {
    this.#hand = (this.#hand + 1) % this.store.slots;
  }

  #low(page: number): number {
    return this.#words[page * 2] ?? 0;
  }

  #high(page: number): number {
    return this.#words[page * 2 + 1] ?? 0;
  }
}
