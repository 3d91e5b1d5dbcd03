import { PAGE_SIZE, encodePageDelta, type Block, type PageWords } from '@pageferry/transfer';
import { DELTA_HEADER_BYTES, HEADER_BYTES, writeDeltaHeader } from '@pageferry/wire';
import type { SendFrame } from './zero-runs.js';

const FRAME_BYTES = 128 * 1024;
/** A delta that is longer costs more than it spares. */
const LONGEST_DELTA = (PAGE_SIZE * 3) / 4;

/** Collects what changed in pages of one block, and has it sent when a frame is full or the block is another. */
export class PageDeltas {
  readonly #send: SendFrame;
  readonly #buffer = Buffer.allocUnsafeSlow(FRAME_BYTES);
  #block: Block | undefined;
  #count = 0;
  /** Bytes used. */
  #length = HEADER_BYTES;

  constructor(send: SendFrame) {
    this.#send = send;
  }

  /** Answers the bytes that a delta takes, 0 if nothing has changed, -1 if too much has: there is none then. */
  add(block: Block, address: number, before: PageWords, now: PageWords): number {
    const room = FRAME_BYTES - this.#length;
    if (room < DELTA_HEADER_BYTES + LONGEST_DELTA || this.#block !== block) this.flush();
    const offset = this.#length;
    const length = encodePageDelta(before, now, this.#buffer, offset + DELTA_HEADER_BYTES, LONGEST_DELTA);
    if (length <= 0) return length;
    this.#block = block;
    this.#count++;
    writeDeltaHeader(this.#buffer, offset, address, length);
    this.#length += DELTA_HEADER_BYTES + length;
    return length;
  }

  /** Has what was collected sent, however little. */
  flush(): void {
    const count = this.#count;
    if (this.#block !== undefined && count > 0)
      this.#send(Buffer.from(this.#buffer.subarray(0, this.#length)), this.#block, count);
    this.#count = 0;
    this.#length = HEADER_BYTES;
  }
}
