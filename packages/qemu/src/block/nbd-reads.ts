import type { PageferryError } from '@pageferry/errors';
import { REQUEST_BYTES, brokenProtocol, encodeRead } from './nbd-protocol.js';
import type { NbdTarget } from './nbd-replies.js';

/** A read: bytes of the export, from `offset` on, to the beginning of `buffer`. Must not change while it is in flight. */
export interface NbdRead extends NbdTarget {
  readonly offset: number;
  /** Called once, when the bytes are there, or with why they are not. It must not throw. */
  finished(error: PageferryError | undefined): void;
}

/** A read that is not answered when it has been looked at so often is late. */
export const LOOKS = 4;

/** The reads in flight, each in a slot; a slot's `turn` tells one read in it from the next one. */
export class NbdReads {
  readonly #reads: (NbdRead | undefined)[];
  readonly #turns: Uint32Array;
  readonly #looks: Uint8Array;
  /** A stack of slots. */
  readonly #free: Uint32Array;
  #freeCount: number;

  /** @param depth reads that may be in flight at once */
  constructor(depth: number) {
    this.#reads = Array.from({ length: depth }, () => undefined);
    this.#turns = new Uint32Array(depth);
    this.#looks = new Uint8Array(depth);
    this.#free = Uint32Array.from({ length: depth }, (_, index) => index);
    this.#freeCount = depth;
  }

  /** Takes a slot, and writes the request to `target`, where {@link REQUEST_BYTES} are free. */
  begin(read: NbdRead, target: Buffer, at: number): void {
    if (this.#freeCount === 0) throw new RangeError(`${this.#reads.length} reads are in flight already`);
    const slot = this.#free[--this.#freeCount] ?? 0;
    const turn = ((this.#turns[slot] ?? 0) + 1) >>> 0;
    this.#turns[slot] = turn;
    this.#looks[slot] = 0;
    this.#reads[slot] = read;
    encodeRead(target.subarray(at, at + REQUEST_BYTES), {
      slot,
      turn,
      offset: read.offset,
      length: read.length,
    });
  }

  /** The read that a reply is about. @throws `storage-unreadable` if there is none */
  find(turn: number, slot: number): NbdRead {
    const read = this.#reads[slot];
    if (read === undefined || this.#turns[slot] !== turn) {
      throw brokenProtocol('a reply to a request that was never sent, or answered already');
    }
    return read;
  }

  /** Frees the slot, then tells the read. */
  finish(slot: number, error: PageferryError | undefined): void {
    const read = this.#reads[slot];
    if (read === undefined) return;
    this.#reads[slot] = undefined;
    this.#free[this.#freeCount++] = slot;
    read.finished(error);
  }

  finishAll(error: PageferryError): void {
    for (let slot = 0; slot < this.#reads.length; slot++) this.finish(slot, error);
  }

  /** Looks at all reads, and says whether one of them is late. */
  look(): boolean {
    for (let slot = 0; slot < this.#reads.length; slot++) {
      if (this.#reads[slot] === undefined) continue;
      const looks = (this.#looks[slot] ?? 0) + 1;
      this.#looks[slot] = looks;
      if (looks > LOOKS) return true;
    }
    return false;
  }
}
