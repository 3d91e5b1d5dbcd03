import type { MemoryReader } from '@pageferry/qemu';
import {
  PAGE_SIZE,
  SentPages,
  copyPage,
  type Block,
  type PageLayout,
  type PageSet,
  type PageWords,
} from '@pageferry/transfer';
import {
  DELTA_HEADER_BYTES,
  FrameKind,
  HEADER_BYTES,
  MAX_ZERO_PAGES,
  PAGE_RECORD_BYTES,
  SLOT_BYTES,
  writeAddress,
  writeHeader,
  type FrameKind as Kind,
} from '@pageferry/wire';
import type { FlowControl } from './flow-control.js';
import { FrameCompression } from './frame-compression.js';
import { KnownContents, countOf, type GangContents } from './known-contents.js';
import { PageDeltas } from './page-deltas.js';
import type { PageHint } from './preparation/page-hint.js';
import { NOTHING_SENT, type SentCounts } from './sent-counts.js';
import { ZeroRuns } from './zero-runs.js';

/** Pages of one frame: 256 KiB keep the cost of a frame small, and a requested page waits 2 ms for one at 1 Gb/s. */
const PAGES_A_FRAME = 64;
const WORDS_A_PAGE = PAGE_SIZE / 4;

/** What is known of pages that are to be sent. */
export interface Expectation {
  /** Whether they are likely to be sent again: a copy is kept, if there is room, to send only what changes then. */
  readonly again: boolean;
}

export type GuestMemory = Pick<MemoryReader, 'readSync'>;

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
export class PageSender {
  readonly sent: SentCounts = { ...NOTHING_SENT };
  /** What was sent of pages that are likely to be sent again. */
  readonly sentPages: SentPages;
  /** Pages that go as zeroes, whatever they have, from when it is set. */
  asZeroes: PageSet | undefined;
  /** What is believed of the guest's pages, from when it is set. */
  hint: PageHint | undefined;
  #contents: KnownContents | undefined;
  readonly #layout: PageLayout;
  readonly #memory: GuestMemory;
  readonly #flow: FlowControl;
  readonly #pages: OpenFrame;
  readonly #zeroRuns: ZeroRuns;
  readonly #deltas: PageDeltas;
  readonly #compression = new FrameCompression();
  /** Fewer under a low limit on the bandwidth. */
  #pagesAFrame: number;
  /** Of the references that have been collected. */
  #referencesBlock: Block | undefined;
  /** Of the pages of the open frame: 1 for those that are believed to have nothing in common with any other. */
  readonly #isLone = new Uint8Array(PAGES_A_FRAME);
  /** Pages of the frame that is being sent, if they were looked up; otherwise 0. */
  #lookedUp = 0;
  /** Frame buffers that the connection has let go of. */
  readonly #free: Buffer[] = [];
  readonly #scratch = Buffer.alloc(PAGES_A_FRAME * PAGE_SIZE);
  readonly #words = new Int32Array(this.#scratch.buffer, this.#scratch.byteOffset, this.#scratch.length / 4);
  /** The page at hand, within the scratch memory. */
  readonly #now = { words: this.#words, start: 0 };

  /** @param sentPagesBytes most memory for copies of pages that are likely to be sent again */
  constructor(layout: PageLayout, memory: GuestMemory, flow: FlowControl, sentPagesBytes: number) {
    this.#layout = layout;
    this.#memory = memory;
    this.#flow = flow;
    this.sentPages = new SentPages(sentPagesBytes);
    this.#pagesAFrame = this.#allowedPagesAFrame();
    this.#deltas = new PageDeltas((frame, block, count) => {
      this.#send(frame, FrameKind.pageDeltas, block, count);
    });
    this.#zeroRuns = new ZeroRuns((frame, block, count) => {
      this.#send(frame, FrameKind.zeroPages, block, count);
    });
    this.#pages = { buffer: this.#takeBuffer(), block: undefined, count: 0 };
  }

  /** Pages go as references to what the destination has of other guests from now on; undefined if it keeps nothing. */
  referTo(contents: GangContents | undefined): void {
    this.#contents =
      contents &&
      new KnownContents(contents, () => {
        this.#flushReferences();
      });
  }

  /** Most pages that should be given to {@link sendRun} at once. */
  get longestRun(): number {
    return this.#pagesAFrame;
  }

  /** Where {@link page} says that content goes. */
  get target(): Buffer {
    return this.#pages.buffer;
  }

  /** The page's content is to be written into {@link target}, at the offset that is returned. */
  page(blockIndex: number, address: number): number {
    const frame = this.#pages;
    const block = this.#layout.blocks[blockIndex];
    if (frame.count >= this.#pagesAFrame || (frame.block !== block && frame.count > 0)) this.#flushPages();
    frame.block = block;
    const offset = HEADER_BYTES + frame.count * PAGE_RECORD_BYTES;
    writeAddress(frame.buffer, offset, address);
    const page = (block?.firstPage ?? 0) + address / PAGE_SIZE;
    this.#isLone[frame.count] = this.hint?.isLone(page) === true ? 1 : 0;
    frame.count++;
    this.sent.normal++;
    return offset + 8;
  }

  zero(blockIndex: number, address: number): void {
    const block = this.#layout.blocks[blockIndex];
    if (block === undefined) return;
    this.#zeroRuns.add(block, address);
    this.sent.zero++;
  }

  /**
   * Reads the pages now and puts them into frames: consecutive ones of one block, at most {@link longestRun}.
   * @returns the bytes that they are expected to take on the wire if they are rewritten: a zero page has content then
   */
  sendRun(first: number, count: number, { again }: Expectation = { again: false }): number {
    const block = this.#layout.blockOfPage(first);
    const address = this.#layout.address(block, first);
    this.#memory.readSync(block.index, address, this.#scratch, 0, count * PAGE_SIZE);
    let bytes = 0;
    for (let page = 0; page < count; page++) {
      const pageAddress = address + page * PAGE_SIZE;
      if (this.asZeroes?.has(first + page) === true) this.zero(block.index, pageAddress);
      else bytes += this.#sendRead(block, first + page, pageAddress, page, again);
    }
    return bytes;
  }

  /** Sends all pages of the set, in the order of their index, and takes them out of it. */
  async sendAll(pages: PageSet, signal: AbortSignal): Promise<void> {
    for (let first = pages.nextSet(0); first !== -1; first = pages.nextSet(first)) {
      const count = pages.runLength(first, this.longestRun);
      pages.deleteRange(first, count);
      this.sendRun(first, count);
      const room = this.#flow.room();
      if (room !== undefined) await room;
      signal.throwIfAborted();
    }
    await this.flushed();
  }

  /** Sends zeroes in place of what these pages have. */
  async sendZeroes(pages: PageSet, signal: AbortSignal): Promise<void> {
    for (let first = pages.nextSet(0); first !== -1;) {
      const block = this.#layout.blockOfPage(first);
      const count = pages.runLength(first, MAX_ZERO_PAGES);
      for (let page = first; page < first + count; page++) {
        this.sentPages.forget(page);
        this.zero(block.index, this.#layout.address(block, page));
      }
      first = pages.nextSet(first + count);
      const room = this.#flow.room();
      if (room !== undefined) await room;
      signal.throwIfAborted();
    }
    await this.flushed();
  }

  /** As {@link flush}; resolves when a control message may follow. */
  async flushed(): Promise<void> {
    this.flush();
    await this.#flow.encoded();
  }

  /** Sends what has been collected, however little. */
  flush(): void {
    this.#flushPages();
    this.#flushReferences();
    this.#zeroRuns.flush();
    this.#deltas.flush();
  }

  /** Sends the page that was read to `place` of the scratch memory; answers as {@link sendRun}. */
  #sendRead(block: Block, page: number, address: number, place: number, again: boolean): number {
    const now = this.#now;
    now.start = place * WORDS_A_PAGE;
    if (isZero(this.#words, now.start)) {
      this.sentPages.forget(page);
      this.zero(block.index, address);
      return PAGE_RECORD_BYTES;
    }
    const before = this.sentPages.find(page);
    const length = before === undefined ? -1 : this.#delta(block, address, before, now);
    const copy = before ?? (again ? this.sentPages.add(page) : undefined);
    if (copy !== undefined && length !== 0) copyPage(now, copy);
    if (length === 0) return 0;
    if (length > 0) return DELTA_HEADER_BYTES + length;
    const offset = this.page(block.index, address);
    this.#scratch.copy(this.target, offset, place * PAGE_SIZE, (place + 1) * PAGE_SIZE);
    return PAGE_RECORD_BYTES * this.#compression.expectedRatio(this.target, offset);
  }

  /** Puts what changed in a page into a frame; answers as {@link PageDeltas.add}. */
  #delta(block: Block, address: number, before: PageWords, now: PageWords): number {
    const length = this.#deltas.add(block, address, before, now);
    if (length === 0) this.sent.unchanged++;
    if (length > 0) this.sent.delta++;
    return length;
  }

  #flushPages(): void {
    const { buffer, block } = this.#pages;
    const count = this.#takeOutKnown();
    if (block === undefined || count === 0) return;
    const frame = this.#closePages(block, count);
    const worthTrying = this.#compression.shouldCompress(frame, this.#flow.bytesPerSecond);
    const compressed = worthTrying ? this.#compress(frame, count) : undefined;
    // A connection that breaks is noticed by whoever waits for room in it.
    this.#flow.send(frame, compressed).then(
      () => this.#free.push(buffer),
      () => undefined,
    );
    this.#pages.buffer = this.#takeBuffer();
    this.#pages.count = 0;
    this.#pagesAFrame = this.#allowedPagesAFrame();
  }

  /** Leaves in the open frame what the destination does not have; answers how many pages that are. */
  #takeOutKnown(): number {
    const { buffer, block, count } = this.#pages;
    const contents = this.#contents;
    this.#lookedUp = 0;
    if (count === 0 || contents === undefined) return count;
    if (countOf(this.#isLone, count) === count) {
      contents.passOver(count);
      return count;
    }
    if (!contents.isWanted(this.#flow.bytesPerSecond)) return count;
    if (!contents.hasRoom || this.#referencesBlock !== block) this.#flushReferences();
    this.#referencesBlock = block;
    const { references, patches } = contents;
    const left = contents.takeOut(buffer, count, this.#isLone, this.#flow.bytesPerSecond);
    this.sent.normal -= count - left;
    this.sent.reference += contents.references - references;
    this.sent.patch += contents.patches - patches;
    if (left > 0) this.#flushReferences();
    this.#pages.count = 0;
    this.#lookedUp = count;
    return left;
  }

  /** The open frame, of so many pages, with its header. */
  #closePages(block: Block, count: number): Buffer {
    const { buffer } = this.#pages;
    const contents = this.#lookedUp > 0 ? this.#contents : undefined;
    const length = contents?.keep(buffer, this.#lookedUp, count) ?? HEADER_BYTES + count * PAGE_RECORD_BYTES;
    const frame = buffer.subarray(0, length);
    const kind = contents === undefined ? FrameKind.pages : FrameKind.storedPages;
    writeHeader(frame, { kind, sequence: 0, block: block.index, count });
    return frame;
  }

  #flushReferences(): void {
    const contents = this.#contents;
    const block = this.#referencesBlock;
    if (contents === undefined || block === undefined) return;
    const { references, patches } = contents;
    if (references > 0) this.#send(contents.takeReferences(), FrameKind.references, block, references);
    if (patches > 0) this.#send(contents.takePatches(), FrameKind.patches, block, patches);
  }

  async #compress(frame: Buffer, pages: number): Promise<Buffer> {
    const compressed = await this.#compression.compress(frame);
    if (compressed !== frame) this.sent.compressed += pages;
    return compressed;
  }

  #send(frame: Buffer, kind: Kind, block: Block, count: number): void {
    writeHeader(frame, { kind, sequence: 0, block: block.index, count });
    this.#flow.send(frame).catch(() => undefined);
  }

  #allowedPagesAFrame(): number {
    const allowed = Math.floor(this.#flow.longestFrameBytes / PAGE_RECORD_BYTES);
    return Math.max(Math.min(PAGES_A_FRAME, allowed), 1);
  }

  #takeBuffer(): Buffer {
    return (
      this.#free.pop() ??
      Buffer.allocUnsafeSlow(HEADER_BYTES + PAGES_A_FRAME * (PAGE_RECORD_BYTES + SLOT_BYTES))
    );
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
