import { PAGE_SIZE, type Block } from '@pageferry/transfer';
import { HEADER_BYTES, MAX_ZERO_PAGES, RUN_BYTES, writeRun } from '@pageferry/wire';

const RUNS_A_FRAME = 1024;

/** Sends a frame whose header has yet to be written, with so many runs or pages of a block. */
export type SendFrame = (frame: Buffer, block: Block, count: number) => void;

/** Collects zero pages of one block as runs, and has them sent when a frame is full or the block is another. */
export class ZeroRuns {
  readonly #send: SendFrame;
  readonly #buffer = Buffer.alloc(HEADER_BYTES + RUNS_A_FRAME * RUN_BYTES);
  #block: Block | undefined;
  /** Runs in the frame. */
  #count = 0;
  /** Pages in the frame, those of the run that is open among them. */
  #pages = 0;
  #runAddress = 0;
  #runPages = 0;

  constructor(send: SendFrame) {
    this.#send = send;
  }

  add(block: Block, address: number): void {
    const full = this.#count === RUNS_A_FRAME - 1 || this.#pages === MAX_ZERO_PAGES;
    if (full || (this.#block !== block && this.#pages > 0)) this.flush();
    this.#block = block;
    if (this.#runPages > 0 && address !== this.#runAddress + this.#runPages * PAGE_SIZE) this.#closeRun();
    if (this.#runPages === 0) this.#runAddress = address;
    this.#runPages++;
    this.#pages++;
  }

  /** Has what was collected sent, however little. */
  flush(): void {
    this.#closeRun();
    this.#pages = 0;
    if (this.#block === undefined || this.#count === 0) return;
    const count = this.#count;
    this.#count = 0;
    this.#send(Buffer.from(this.#buffer.subarray(0, HEADER_BYTES + count * RUN_BYTES)), this.#block, count);
  }

  #closeRun(): void {
    if (this.#runPages === 0) return;
    writeRun(this.#buffer, this.#count, this.#runAddress, this.#runPages);
    this.#count++;
    this.#runPages = 0;
  }
}
