import type { FirstPassSink, MemoryReader } from '@pageferry/qemu';
import { PAGE_SIZE, type Block, type PageLayout, type PageSet } from '@pageferry/transfer';
import {
  FrameKind,
  HEADER_BYTES,
  MAX_ZERO_PAGES,
  PAGE_RECORD_BYTES,
  RUN_BYTES,
  writeAddress,
  writeHeader,
  writeRun,
  type FrameKind as Kind,
} from '@pageferry/wire';
import type { FlowControl } from './flow-control.js';

/** Pages of one frame: 256 KiB keep the cost of a frame small, and a requested page waits 2 ms for one at 1 Gb/s. */
const PAGES_A_FRAME = 64;
const RUNS_A_FRAME = 1024;
const WORDS_A_PAGE = PAGE_SIZE / 4;

export interface SentCounts {
  /** Pages sent with their content. */
  normal: number;
  zero: number;
}

/** A frame under construction: pages or runs of one block. */
interface OpenFrame {
  buffer: Buffer;
  block: Block | undefined;
  count: number;
}

/**
 * Turns pages into frames: those of QEMU's first pass as they come, those of a page set read from the guest's memory
 * when they are sent. A page must not be given twice between two calls of {@link flush}: frames of pages and of zero
 * pages are filled side by side.
 */
export class PageSender implements FirstPassSink {
  readonly sent: SentCounts = { normal: 0, zero: 0 };
  /** Whether what is being sent can stop before its end. */
  enough: () => boolean = () => false;
  readonly #layout: PageLayout;
  readonly #memory: MemoryReader;
  readonly #flow: FlowControl;
  readonly #pages: OpenFrame;
  readonly #zeroPages: OpenFrame;
  #zeroPagesInFrame = 0;
  #runAddress = 0;
  #runPages = 0;
  /** Frame buffers that the connection has let go of. */
  readonly #free: Buffer[] = [];
  readonly #scratch = Buffer.alloc(PAGES_A_FRAME * PAGE_SIZE);
  readonly #words = new Int32Array(this.#scratch.buffer, this.#scratch.byteOffset, this.#scratch.length / 4);

  constructor(layout: PageLayout, memory: MemoryReader, flow: FlowControl) {
    this.#layout = layout;
    this.#memory = memory;
    this.#flow = flow;
    this.#pages = { buffer: this.#takeBuffer(), block: undefined, count: 0 };
    this.#zeroPages = {
      buffer: Buffer.alloc(HEADER_BYTES + RUNS_A_FRAME * RUN_BYTES),
      block: undefined,
      count: 0,
    };
  }

  /** Where {@link page} says that content goes. */
  get target(): Buffer {
    return this.#pages.buffer;
  }

  ready(): Promise<void> | undefined {
    return this.#flow.room();
  }

  /** The page's content is to be written into {@link target}, at the offset that is returned. */
  page(blockIndex: number, address: number): number {
    const frame = this.#pages;
    const block = this.#layout.blocks[blockIndex];
    if (frame.count === PAGES_A_FRAME || (frame.block !== block && frame.count > 0)) this.#flushPages();
    frame.block = block;
    const offset = HEADER_BYTES + frame.count * PAGE_RECORD_BYTES;
    writeAddress(frame.buffer, offset, address);
    frame.count++;
    this.sent.normal++;
    return offset + 8;
  }

  zero(blockIndex: number, address: number): void {
    const frame = this.#zeroPages;
    const block = this.#layout.blocks[blockIndex];
    const full = frame.count === RUNS_A_FRAME - 1 || this.#zeroPagesInFrame === MAX_ZERO_PAGES;
    if (full || (frame.block !== block && this.#zeroPagesInFrame > 0)) this.#flushZeroPages();
    frame.block = block;
    if (this.#runPages > 0 && address !== this.#runAddress + this.#runPages * PAGE_SIZE) this.#closeRun();
    if (this.#runPages === 0) this.#runAddress = address;
    this.#runPages++;
    this.#zeroPagesInFrame++;
    this.sent.zero++;
  }

  /** Reads the pages now and puts them into frames: consecutive ones of one block, at most {@link PAGES_A_FRAME}. */
  sendRun(block: Block, first: number, count: number): void {
    const address = this.#layout.address(block, first);
    this.#memory.readSync(block.index, address, this.#scratch, 0, count * PAGE_SIZE);
    for (let page = 0; page < count; page++) {
      if (isZero(this.#words, page * WORDS_A_PAGE)) {
        this.zero(block.index, address + page * PAGE_SIZE);
      } else {
        const offset = this.page(block.index, address + page * PAGE_SIZE);
        this.#scratch.copy(this.target, offset, page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
      }
    }
  }

  /**
   * Sends all pages of the set, in the order of their index, and takes them out of it. Pages are left in it only if
   * {@link enough} says so.
   */
  async sendAll(pages: PageSet, signal: AbortSignal): Promise<void> {
    let first = pages.nextSet(0);
    while (first !== -1 && !this.enough()) {
      const count = pages.runLength(first, PAGES_A_FRAME);
      pages.deleteRange(first, count);
      this.sendRun(this.#layout.blockOfPage(first), first, count);
      const room = this.#flow.room();
      if (room !== undefined) await room;
      signal.throwIfAborted();
      first = pages.nextSet(first + count);
    }
    this.flush();
  }

  /** Sends what has been collected, however little. */
  flush(): void {
    this.#flushPages();
    this.#flushZeroPages();
  }

  #flushPages(): void {
    const { buffer, block, count } = this.#pages;
    if (block === undefined || count === 0) return;
    const frame = buffer.subarray(0, HEADER_BYTES + count * PAGE_RECORD_BYTES);
    this.#send(frame, FrameKind.pages, block, count, () => this.#free.push(buffer));
    this.#pages.buffer = this.#takeBuffer();
    this.#pages.count = 0;
  }

  #flushZeroPages(): void {
    const frame = this.#zeroPages;
    this.#closeRun();
    this.#zeroPagesInFrame = 0;
    if (frame.block === undefined || frame.count === 0) return;
    const bytes = Buffer.from(frame.buffer.subarray(0, HEADER_BYTES + frame.count * RUN_BYTES));
    this.#send(bytes, FrameKind.zeroPages, frame.block, frame.count, () => undefined);
    frame.count = 0;
  }

  #closeRun(): void {
    if (this.#runPages === 0) return;
    writeRun(this.#zeroPages.buffer, this.#zeroPages.count, this.#runAddress, this.#runPages);
    this.#zeroPages.count++;
    this.#runPages = 0;
  }

  #send(frame: Buffer, kind: Kind, block: Block, count: number, free: () => void): void {
    writeHeader(frame, { kind, sequence: 0, block: block.index, count });
    // A connection that breaks is noticed by whoever waits for room in it.
    this.#flow.send(frame).then(free, () => undefined);
  }

  #takeBuffer(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(HEADER_BYTES + PAGES_A_FRAME * PAGE_RECORD_BYTES);
  }
}

/** Whether the page whose first word is `words[start]` is zero: most that are not differ in the first words. */
function isZero(words: Int32Array, start: number): boolean {
  const end = start + WORDS_A_PAGE;
  for (let at = start; at < end; at += 8) {
    const any =
      (words[at] ?? 0) |
      (words[at + 1] ?? 0) |
      (words[at + 2] ?? 0) |
      (words[at + 3] ?? 0) |
      (words[at + 4] ?? 0) |
      (words[at + 5] ?? 0) |
      (words[at + 6] ?? 0) |
      (words[at + 7] ?? 0);
    if (any !== 0) return false;
  }
  return true;
}
