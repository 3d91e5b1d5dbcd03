import type { PageWords } from '../page-delta.js';
import { PAGE_SIZE } from '../page-layout.js';

/**
 * 256 MiB: the kernel gives memory when it is first written to. V8 counts all of it at once, and looks through its heap for every
 * 64 MB that have been added.
 */
const SLOTS_A_CHUNK = 65_536;

/** Where a page's content lies, as bytes and as words. The object is used again. */
export interface PageContent extends PageWords {
  readonly bytes: Buffer;
  /** bytes */
  readonly offset: number;
}

interface Chunk {
  readonly bytes: Buffer;
  readonly words: Int32Array;
}

/**
 * Contents of pages in numbered slots. Source and destination keep one each, for one connection: the source says what goes
 * into which slot, in an order in which the destination hears it, so that both have the same in it at every point of that order.
 */
export class ContentStore {
  /** Slots that there are. */
  readonly slots: number;
  readonly #chunks: (Chunk | undefined)[];
  /** How many contents had been put into the store when a slot got its own, modulo 2^32; 0 for a slot that is empty. */
  readonly #generations: Uint32Array;
  readonly #place = { ...takeChunk(0), offset: 0, start: 0 };
  #puts = 0;

  /** @param bytes most that the contents may take; what there is besides is 4 bytes a slot */
  constructor(bytes: number) {
    this.slots = Math.floor(bytes / PAGE_SIZE);
    this.#chunks = Array.from({ length: Math.ceil(this.slots / SLOTS_A_CHUNK) });
    this.#generations = new Uint32Array(this.slots);
  }

  /** Puts a page's content into a slot, in place of what was there. */
  put(slot: number, from: Buffer, offset: number): void {
    const place = this.#at(slot);
    from.copy(place.bytes, place.offset, offset, offset + PAGE_SIZE);
    this.#puts = (this.#puts + 1) >>> 0;
    // 0 stands for an empty slot.
    if (this.#puts === 0) this.#puts = 1;
    this.#generations[slot] = this.#puts;
  }

  /** Tells the contents that a slot has had one after the other apart; 0 if it never had one, or there is no such slot. */
  generation(slot: number): number {
    return this.#generations[slot] ?? 0;
  }

  /** What a slot has, which must not be empty. */
  content(slot: number): PageContent {
    return this.#at(slot);
  }

  #at(slot: number): PageContent {
    const at = Math.floor(slot / SLOTS_A_CHUNK);
    const chunk = (this.#chunks[at] ??= takeChunk(
      Math.min(SLOTS_A_CHUNK, this.slots - at * SLOTS_A_CHUNK) * PAGE_SIZE,
    ));
    const place = this.#place;
    place.bytes = chunk.bytes;
    place.words = chunk.words;
    place.offset = (slot % SLOTS_A_CHUNK) * PAGE_SIZE;
    place.start = place.offset / 4;
    return place;
  }
}

function takeChunk(length: number): Chunk {
  const bytes = Buffer.allocUnsafeSlow(length);
  return { bytes, words: new Int32Array(bytes.buffer) };
}
