import { LOOKED_UP_AT_ONCE, PAGE_SIZE, type ContentDictionary } from '@pageferry/transfer';
import {
  HEADER_BYTES,
  MAX_REFERENCES,
  NO_SLOT,
  PAGE_RECORD_BYTES,
  REFERENCE_BYTES,
  SLOT_BYTES,
  readAddress,
  writeReference,
} from '@pageferry/wire';

const ADDRESS_BYTES = PAGE_RECORD_BYTES - PAGE_SIZE;

/**
 * Takes out of frames of pages what the destination has already, and collects references to it. They must be sent before the
 * next frame whose pages are kept: that frame may give their slots to other contents.
 */
export class KnownContents {
  readonly #dictionary: ContentDictionary;
  readonly #references = Buffer.alloc(HEADER_BYTES + MAX_REFERENCES * REFERENCE_BYTES);
  #count = 0;

  constructor(dictionary: ContentDictionary) {
    this.#dictionary = dictionary;
  }

  /** References that have been collected. */
  get count(): number {
    return this.#count;
  }

  /** Whether the references of one more frame may be collected before these are sent. */
  get hasRoom(): boolean {
    return this.#count + LOOKED_UP_AT_ONCE <= MAX_REFERENCES;
  }

  /**
   * Takes the pages that are known out of a frame of `count` pages, which is {@link hasRoom} for; those that are left come
   * to stand at its beginning.
   * @returns how many are left
   */
  takeOut(frame: Buffer, count: number): number {
    const { slots, store } = this.#dictionary;
    const found = this.#dictionary.lookUp(frame, HEADER_BYTES + ADDRESS_BYTES, PAGE_RECORD_BYTES, count);
    if (found === 0) return count;
    let left = 0;
    for (let page = 0; page < count; page++) {
      const offset = recordAt(page);
      const slot = slots[page] ?? -1;
      if (slot !== -1) {
        writeReference(
          this.#references,
          this.#count++,
          readAddress(frame, offset),
          slot,
          store.generation(slot),
        );
        continue;
      }
      if (left < page) frame.copyWithin(recordAt(left), offset, offset + PAGE_RECORD_BYTES);
      left++;
    }
    return left;
  }

  /** The references that have been collected, as a frame whose header has yet to be written; none are collected then. */
  takeReferences(): Buffer {
    const frame = Buffer.from(this.#references.subarray(0, HEADER_BYTES + this.#count * REFERENCE_BYTES));
    this.#count = 0;
    return frame;
  }

  /**
   * Keeps what was left of the frame that was looked at last, here and there, and writes the slots after the pages.
   * @param count pages that there were, `left` that are left
   * @returns the frame's length, bytes
   */
  keep(frame: Buffer, count: number, left: number): number {
    const { slots } = this.#dictionary;
    const end = recordAt(left);
    for (let page = 0, kept = 0; page < count; page++) {
      if ((slots[page] ?? -1) !== -1) continue;
      const slot = this.#dictionary.keep(page, frame, recordAt(kept) + ADDRESS_BYTES);
      frame.writeUInt32BE(slot === -1 ? NO_SLOT : slot, end + kept * SLOT_BYTES);
      kept++;
    }
    return end + left * SLOT_BYTES;
  }
}

function recordAt(page: number): number {
  return HEADER_BYTES + page * PAGE_RECORD_BYTES;
}
