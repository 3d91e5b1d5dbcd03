import {
  LOOKED_UP_AT_ONCE,
  PAGE_SIZE,
  encodePagePatch,
  type ContentDictionary,
  type EncodingGain,
} from '@pageferry/transfer';
import {
  HEADER_BYTES,
  MAX_REFERENCES,
  NO_SLOT,
  PAGE_RECORD_BYTES,
  PATCH_HEADER_BYTES,
  REFERENCE_BYTES,
  SLOT_BYTES,
  readAddress,
  writePatchHeader,
  writeReference,
  ADDRESS_BYTES,
  recordAt,
} from '@pageferry/wire';

/** A longer patch costs more than it spares. */
const LONGEST_PATCH = (PAGE_SIZE * 3) / 4;
const MOST_PATCH_BYTES = PATCH_HEADER_BYTES + LONGEST_PATCH;
const PATCH_FRAME_BYTES = 256 * 1024;
/** Of the time that the link takes for a page. */
const LITTLE = 0.5;

/** What has become of pages that might be in common. */
export interface ContentFigures {
  /** Contents that were kept, so that others can refer to them. */
  kept: number;
  /** Pages that were not looked up, because nothing is like them as far as it is known. */
  lone: number;
}

/** What all guests of a gang share. */
export interface GangContents {
  readonly dictionary: ContentDictionary;
  /** Whether looking pages up, and keeping them, makes the transfer faster. */
  readonly lookUpGain: EncodingGain;
  /** Whether looking for a content that resembles a page makes the transfer faster. */
  readonly patchGain: EncodingGain;
  /** Those that have collected references, and what has these sent. */
  readonly collecting: Map<KnownContents, () => void>;
  /** Of all guests. */
  readonly figures: ContentFigures;
}

/** References or patches that have been collected, in a frame whose header has yet to be written. */
interface OpenFrame {
  readonly buffer: Buffer;
  /** Bytes used. */
  length: number;
  count: number;
}

/**
 * Takes out of frames of pages what the destination has already, or has something like, and collects references and patches in
 * place of it. They must be sent before the next frame whose pages are kept: that frame may give their slots to other contents.
 */
export class KnownContents {
  readonly #shared: GangContents;
  readonly #send: () => void;
  readonly #dictionary: ContentDictionary;
  readonly #lookUpGain: EncodingGain;
  readonly #patchGain: EncodingGain;
  /** Since pages were looked up last. */
  #keepingMs = 0;
  /** What a page has taken when nothing else wanted the processor. */
  #leastMsPerPage = Infinity;
  readonly #references = openFrame(HEADER_BYTES + MAX_REFERENCES * REFERENCE_BYTES);
  readonly #patches = openFrame(PATCH_FRAME_BYTES);
  /** Of the frame that was looked at last: pages that are still in it, */
  readonly #isLeft = new Uint8Array(LOOKED_UP_AT_ONCE);
  /** and pages that have not been looked up, and are not kept. */
  readonly #isLone = new Uint8Array(LOOKED_UP_AT_ONCE);

  /** @param send has what has been collected sent, by the `take` functions */
  constructor(shared: GangContents, send: () => void) {
    const { dictionary, lookUpGain, patchGain } = shared;
    this.#shared = shared;
    this.#send = send;
    this.#dictionary = dictionary;
    this.#lookUpGain = lookUpGain;
    this.#patchGain = patchGain;
  }

  /** Pages that have been collected as references. */
  get references(): number {
    return this.#references.count;
  }

  /** Pages that have been collected as patches. */
  get patches(): number {
    return this.#patches.count;
  }

  /** Whether the pages of one more frame may be collected before these are sent. */
  get hasRoom(): boolean {
    return (
      Math.max(this.references, this.patches) + LOOKED_UP_AT_ONCE <= MAX_REFERENCES &&
      this.#patches.length + LOOKED_UP_AT_ONCE * MOST_PATCH_BYTES <= PATCH_FRAME_BYTES
    );
  }

  /**
   * Whether the next frame's pages are to be looked up. While that takes little beside sending them they are, even if nothing is
   * found: it is for what comes later that they are kept.
   */
  isWanted(bytesPerSecond: number | undefined): boolean {
    if (this.#lookUpGain.shouldTry(bytesPerSecond) || bytesPerSecond === undefined) return true;
    const linkMs = (PAGE_RECORD_BYTES / bytesPerSecond) * 1000;
    return this.#leastMsPerPage < linkMs * LITTLE;
  }

  /** So many pages go as they are, and are not kept: nothing is like them as far as it is known. */
  passOver(count: number): void {
    this.#shared.figures.lone += count;
  }

  /**
   * Takes the pages that are known out of a frame of `count` pages, which is {@link hasRoom} for; those that are left come
   * to stand at its beginning.
   * @param isLone by page: 1, if it is not to be looked up nor kept, which must not be all of them
   * @param bytesPerSecond of the link; undefined while not known
   * @returns how many are left
   */
  takeOut(frame: Buffer, count: number, isLone: Uint8Array, bytesPerSecond: number | undefined): number {
    const begun = performance.now();
    this.#isLone.set(isLone.subarray(0, count));
    const lone = countOf(isLone, count);
    this.passOver(lone);
    const start = HEADER_BYTES + ADDRESS_BYTES;
    const found = this.#dictionary.lookUp(frame, start, PAGE_RECORD_BYTES, count, isLone);
    const lookedUp = count - lone;
    this.#refer(frame, count);
    const sparedBytes = found * (PAGE_RECORD_BYTES - REFERENCE_BYTES);
    const ms = performance.now() - begun + this.#keepingMs;
    this.#lookUpGain.tried(lookedUp, sparedBytes, ms);
    this.#leastMsPerPage = Math.min(this.#leastMsPerPage, ms / lookedUp);
    this.#keepingMs = 0;
    const unknown = lookedUp - found;
    if (unknown > 0 && this.#patchGain.shouldTry(bytesPerSecond)) this.#patch(frame, count, unknown);
    let left = 0;
    for (let page = 0; page < count; page++) {
      if (this.#isLeft[page] === 0) continue;
      const offset = recordAt(page);
      if (left < page) frame.copyWithin(recordAt(left), offset, offset + PAGE_RECORD_BYTES);
      left++;
    }
    if (left < count) this.#shared.collecting.set(this, this.#send);
    return left;
  }

  /** The references that have been collected, as a frame whose header has yet to be written; none are collected then. */
  takeReferences(): Buffer {
    return take(this.#references);
  }

  /** As {@link takeReferences}, for patches. */
  takePatches(): Buffer {
    return take(this.#patches);
  }

  /**
   * Keeps what was left of the frame that was looked at last, here and there, and writes the slots after the pages.
   * @param count pages that there were, `left` that are left
   * @returns the frame's length, bytes
   */
  keep(frame: Buffer, count: number, left: number): number {
    // Other guests' references may be to the slots that these contents take.
    for (const send of this.#shared.collecting.values()) send();
    this.#shared.collecting.clear();
    const begun = performance.now();
    const end = recordAt(left);
    for (let page = 0, kept = 0; page < count; page++) {
      if (this.#isLeft[page] === 0) continue;
      const slot = this.#isLone[page] === 1 ? -1 : this.#keepPage(page, frame, recordAt(kept));
      frame.writeUInt32BE(slot === -1 ? NO_SLOT : slot, end + kept * SLOT_BYTES);
      kept++;
    }
    this.#keepingMs = performance.now() - begun;
    return end + left * SLOT_BYTES;
  }

  /** Answers the slot, -1 if there is none. */
  #keepPage(page: number, frame: Buffer, offset: number): number {
    const slot = this.#dictionary.keep(page, frame, offset + ADDRESS_BYTES);
    if (slot !== -1) this.#shared.figures.kept++;
    return slot;
  }

  #refer(frame: Buffer, count: number): void {
    const { slots, store } = this.#dictionary;
    const references = this.#references;
    for (let page = 0; page < count; page++) {
      const slot = slots[page] ?? -1;
      this.#isLeft[page] = slot === -1 ? 1 : 0;
      if (slot === -1) continue;
      const address = readAddress(frame, recordAt(page));
      writeReference(references.buffer, references.count++, address, slot, store.generation(slot));
      references.length += REFERENCE_BYTES;
    }
  }

  /** Looks for something like the pages that are left. */
  #patch(frame: Buffer, count: number, unknown: number): void {
    const begun = performance.now();
    const words = new Int32Array(frame.buffer, frame.byteOffset, frame.length >>> 2);
    let sparedBytes = 0;
    for (let page = 0; page < count; page++) {
      if (this.#isLeft[page] === 0 || this.#isLone[page] === 1) continue;
      const spared = this.#patchPage(frame, words, page);
      if (spared === 0) continue;
      sparedBytes += spared;
      this.#isLeft[page] = 0;
    }
    this.#patchGain.tried(unknown, sparedBytes, performance.now() - begun);
  }

  /** Answers the bytes that a patch spares, 0 if there is none. */
  #patchPage(frame: Buffer, words: Int32Array, page: number): number {
    const { store } = this.#dictionary;
    const patches = this.#patches;
    const offset = recordAt(page);
    const now = { words, start: (offset + ADDRESS_BYTES) / 4 };
    const slot = this.#dictionary.findSimilar(now);
    if (slot === -1) return 0;
    const at = patches.length + PATCH_HEADER_BYTES;
    const length = encodePagePatch(store.content(slot), now, patches.buffer, at, LONGEST_PATCH);
    if (length === -1) return 0;
    const address = readAddress(frame, offset);
    writePatchHeader(patches.buffer, patches.length, address, slot, store.generation(slot), length);
    patches.length = at + length;
    patches.count++;
    return PAGE_RECORD_BYTES - PATCH_HEADER_BYTES - length;
  }
}

/** How many of the first `count` are 1. */
export function countOf(flags: Uint8Array, count: number): number {
  let sum = 0;
  for (let at = 0; at < count; at++) sum += flags[at] ?? 0;
  return sum;
}

function openFrame(bytes: number): OpenFrame {
  return { buffer: Buffer.alloc(bytes), length: HEADER_BYTES, count: 0 };
}

function take(frame: OpenFrame): Buffer {
  const taken = Buffer.from(frame.buffer.subarray(0, frame.length));
  frame.length = HEADER_BYTES;
  frame.count = 0;
  return taken;
}
