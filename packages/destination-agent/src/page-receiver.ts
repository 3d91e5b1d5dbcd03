import { PageferryError } from '@pageferry/errors';
import type { IncomingSession } from '@pageferry/qemu';
import { PAGE_SIZE, PageSet, type Block, type PageLayout } from '@pageferry/transfer';
import {
  DELTA_HEADER_BYTES,
  FrameKind,
  HEADER_BYTES,
  MAX_FRAME_BYTES,
  MAX_ZERO_PAGES,
  checkDeltasFrame,
  checkPagesFrame,
  checkPatchesFrame,
  checkReferencesFrame,
  checkRunsFrame,
  checkStoredPagesFrame,
  decompressPages,
  deltaLength,
  inFlightBytes,
  readAddress,
  readHeader,
  runAddress,
  runPages,
  type FrameHeader,
  recordAt,
} from '@pageferry/wire';
import { AnnouncedDeviceState, notAnnounced } from './announced-device-state.js';
import type { ConnectionContents } from './connection-contents.js';
import { keepContents } from './keep-contents.js';
import { makePatched, makeReferences } from './made-pages.js';
import { NOTHING_RECEIVED, type ReceivedCounts } from './received-counts.js';
import type { StorageRestore } from './storage/storage-restore.js';

/** The source looks at the window between one batch and the next, which may be pages, references and patches. */
const MOST_OVERDRAFT_BYTES = 4 * MAX_FRAME_BYTES;

/** Where pages go to. */
export type PageWriter = Pick<IncomingSession, 'writePages' | 'writeZeroPages' | 'writePageDeltas'>;

export interface PageReceiverOptions {
  readonly layout: PageLayout;
  readonly session: PageWriter;
  /** bytes */
  readonly window: number;
  readonly source: FrameSource;
  /** If pages may come from disks that both hosts share. */
  readonly storage?: StorageRestore | undefined;
}

/** Where the frames come from: one connection. */
export interface FrameSource {
  /** QEMU has taken the frame with this sequence number, and all before it. */
  acknowledge(sequence: number): void;
  /** A frame broke the protocol. */
  refuse(reason: unknown): void;
  /** What the pages that came over the same connection had, if it is shared. */
  readonly contents: ConnectionContents | undefined;
}

type Phase = 'precopy' | 'switching' | 'postcopy';

/**
 * Takes data frames and writes their content to QEMU, in the order of arrival. All of it happens in the turn in which
 * the frame arrives, so that the order of writes is that of frames. Every frame is checked before QEMU sees it; errors
 * are `protocol-violation`.
 */
export class PageReceiver {
  readonly counts: ReceivedCounts = { ...NOTHING_RECEIVED };
  /** Pages that QEMU lacks or has in an old version; empty before the switch-over. */
  readonly missing: PageSet;
  readonly #layout: PageLayout;
  readonly #session: PageWriter;
  readonly #window: number;
  readonly #storage: StorageRestore | undefined;
  #source: FrameSource;
  #phase: Phase = 'precopy';
  #unacknowledged = 0;
  /** Resolves when everything that has arrived so far is with QEMU. */
  #written: Promise<void> = Promise.resolve();
  #deviceState: AnnouncedDeviceState | undefined;

  constructor(options: PageReceiverOptions) {
    this.#layout = options.layout;
    this.#session = options.session;
    this.#window = options.window;
    this.#source = options.source;
    this.#storage = options.storage;
    this.missing = new PageSet(options.layout);
  }

  /** The source has connected again: acknowledgements go to the new connection, for what arrives on it. */
  reconnect(source: FrameSource): void {
    this.#source = source;
    this.#unacknowledged = 0;
    this.#storage?.dropAll();
  }

  /** Error: `protocol-violation`, for a header that is not valid; what the body has is refused through the source. */
  take(frame: Buffer): void {
    const header = readHeader(frame);
    const source = this.#source;
    this.counts.bytes += frame.length;
    const inFlight = inFlightBytes(header, frame.length);
    this.#unacknowledged += inFlight;
    if (this.#unacknowledged > this.#window + MOST_OVERDRAFT_BYTES) {
      throw new PageferryError('protocol-violation', `more than ${this.#window} bytes are in flight`);
    }
    const written = this.#write(frame, header);
    // Not every frame is written to QEMU, and those that are not would overtake the others.
    const before = this.#written;
    this.#written = written.then(() => before);
    this.#written.then(
      () => {
        if (source !== this.#source) return;
        this.#unacknowledged -= inFlight;
        source.acknowledge(header.sequence);
      },
      (reason: unknown) => {
        // A failure of QEMU's is reported by the session itself.
        if (reason instanceof PageferryError && reason.code === 'protocol-violation') source.refuse(reason);
      },
    );
  }

  /** The device state follows, of this many bytes; resolves with it. No page may come before {@link enterPostcopy}. */
  async receiveDeviceState(bytes: number): Promise<Buffer> {
    this.#phase = 'switching';
    this.#storage?.dropAll();
    this.#deviceState = new AnnouncedDeviceState(bytes);
    return this.#deviceState.complete;
  }

  /** Gives QEMU pages that came from a disk: records as in a `pages` frame, with room for its header. */
  async placeRestored(block: Block, pages: Buffer, count: number): Promise<void> {
    this.counts.restoredPages += count;
    await this.#place(block, pages, count);
  }

  /** From now on every page is placed once: what is not missing is dropped. */
  enterPostcopy(): void {
    this.#phase = 'postcopy';
  }

  async #write(frame: Buffer, header: FrameHeader): Promise<void> {
    switch (header.kind) {
      case FrameKind.pages:
        return this.#pages(frame, header);
      case FrameKind.zeroPages:
        return this.#zeroPages(frame, header);
      case FrameKind.compressedPages:
        return this.#pages(decompressPages(frame, header), header);
      case FrameKind.storedPages:
        return this.#storedPages(frame, header);
      case FrameKind.compressedStoredPages:
        return this.#storedPages(decompressPages(frame, header), header);
      case FrameKind.references:
        return this.#references(frame, header);
      case FrameKind.patches:
        return this.#patches(frame, header);
      case FrameKind.pageDeltas:
        return this.#pageDeltas(frame, header);
      case FrameKind.blocks:
        this.#blocks(frame, header);
        return;
      case FrameKind.stale:
        this.#stale(frame, header);
        return;
      case FrameKind.deviceState:
        if (this.#deviceState === undefined) throw notAnnounced();
        this.#deviceState.take(frame, header);
        return;
      case FrameKind.control:
      case FrameKind.requests:
      case FrameKind.ack:
      case FrameKind.settled:
        throw new PageferryError('protocol-violation', `the source sent a frame of kind ${header.kind}`);
    }
  }

  async #pages(frame: Buffer, header: FrameHeader): Promise<void> {
    const block = this.#blockFor(header);
    checkPagesFrame(frame, header, block.length);
    this.counts.normalPages += header.count;
    return this.#placeSent(block, frame, header.count);
  }

  /** Pages whose content is kept, for references to it. */
  async #storedPages(frame: Buffer, header: FrameHeader): Promise<void> {
    const block = this.#blockFor(header);
    const { store } = this.#contents;
    checkStoredPagesFrame(frame, header, block.length, store.slots);
    keepContents(store, frame, header);
    this.counts.normalPages += header.count;
    return this.#placeSent(block, frame, header.count);
  }

  async #references(frame: Buffer, header: FrameHeader): Promise<void> {
    const block = this.#blockFor(header);
    checkReferencesFrame(frame, header, block.length, this.#contents.store.slots);
    this.counts.referencePages += header.count;
    return this.#placeMade(block, frame, header, makeReferences);
  }

  async #patches(frame: Buffer, header: FrameHeader): Promise<void> {
    const block = this.#blockFor(header);
    checkPatchesFrame(frame, header, block.length, this.#contents.store.slots);
    this.counts.patchPages += header.count;
    return this.#placeMade(block, frame, header, makePatched);
  }

  /** Gives QEMU the pages that `make` puts, as records, into a buffer. */
  async #placeMade(
    block: Block,
    frame: Buffer,
    header: FrameHeader,
    make: typeof makeReferences,
  ): Promise<void> {
    const contents = this.#contents;
    const pages = contents.takeBuffer();
    make(contents.store, frame, header, pages);
    await this.#placeSent(block, pages, header.count);
    // Not after a failure: what another guest's pages are put into must have been written, or never be.
    contents.giveBack(pages);
  }

  /** What a disk has of pages that the source has sent is older. */
  async #placeSent(block: Block, frame: Buffer, count: number): Promise<void> {
    if (this.#storage?.isBusy === true) {
      for (let index = 0; index < count; index++)
        this.#supersede(block, readAddress(frame, recordAt(index)), 1);
    }
    return this.#place(block, frame, count);
  }

  #supersede(block: Block, address: number, pages: number): void {
    this.#storage?.superseded(block.firstPage + address / PAGE_SIZE, pages);
  }

  #blocks(frame: Buffer, header: FrameHeader): void {
    const block = this.#blockFor(header);
    if (this.#storage === undefined) {
      throw new PageferryError(
        'protocol-violation',
        'the source names blocks of disks, and none were agreed on',
      );
    }
    this.#storage.take(frame, header, block);
  }

  /** Gives pages with content to QEMU: before the switch-over all of them, after it those that it lacks. */
  async #place(block: Block, frame: Buffer, count: number): Promise<void> {
    if (this.#phase === 'precopy') return this.#session.writePages(block, frame, HEADER_BYTES, count);
    const written: Promise<void>[] = [];
    let run = 0;
    for (let index = 0; index <= count; index++) {
      const wanted = index < count && this.#takeMissing(block, readAddress(frame, recordAt(index)), 1) === 1;
      if (wanted) {
        run++;
      } else if (run > 0) {
        written.push(this.#session.writePages(block, frame, recordAt(index - run), run));
        run = 0;
      }
    }
    await Promise.all(written);
  }

  async #pageDeltas(frame: Buffer, header: FrameHeader): Promise<void> {
    const block = this.#blockFor(header);
    if (this.#phase !== 'precopy') {
      throw new PageferryError('protocol-violation', 'the source sent page deltas after the switch-over');
    }
    checkDeltasFrame(frame, header, block.length);
    this.counts.deltaPages += header.count;
    this.#supersedeDeltas(block, frame, header);
    return this.#session.writePageDeltas(block, frame, HEADER_BYTES);
  }

  #supersedeDeltas(block: Block, frame: Buffer, { count }: FrameHeader): void {
    if (this.#storage?.isBusy !== true) return;
    for (let index = 0, at = HEADER_BYTES; index < count; index++) {
      this.#supersede(block, readAddress(frame, at), 1);
      at += DELTA_HEADER_BYTES + deltaLength(frame, at);
    }
  }

  async #zeroPages(frame: Buffer, header: FrameHeader): Promise<void> {
    const block = this.#blockFor(header);
    checkRunsFrame(frame, header, block.length);
    const written: Promise<void>[] = [];
    let total = 0;
    for (let index = 0; index < header.count; index++) total += runPages(frame, index);
    if (total > MAX_ZERO_PAGES) {
      throw new PageferryError('protocol-violation', `the source sent ${total} zero pages in one frame`);
    }
    for (let index = 0; index < header.count; index++) {
      let address = runAddress(frame, index);
      let pages = runPages(frame, index);
      this.counts.zeroPages += pages;
      this.#supersede(block, address, pages);
      while (pages > 0) {
        const count = this.#phase === 'precopy' ? pages : this.#takeMissing(block, address, pages);
        if (count > 0) written.push(this.#session.writeZeroPages(block, address, count));
        const done = Math.max(count, 1);
        address += done * PAGE_SIZE;
        pages -= done;
      }
    }
    await Promise.all(written);
  }

  /** How many pages from `address` on are missing, at most `most`; they no longer are. */
  #takeMissing(block: Block, address: number, most: number): number {
    const first = block.firstPage + address / PAGE_SIZE;
    const count = this.missing.runLength(first, most);
    if (count > 0) this.missing.deleteRange(first, count);
    return count;
  }

  #stale(frame: Buffer, header: FrameHeader): void {
    // QEMU is about to throw these pages away.
    this.#storage?.dropAll();
    const block = this.#blockFor(header);
    checkRunsFrame(frame, header, block.length);
    for (let index = 0; index < header.count; index++) {
      this.missing.addRange(block.firstPage + runAddress(frame, index) / PAGE_SIZE, runPages(frame, index));
    }
  }

  get #contents(): ConnectionContents {
    const { contents } = this.#source;
    if (contents !== undefined) return contents;
    throw new PageferryError(
      'protocol-violation',
      'the source refers to contents, and no store was agreed on',
    );
  }

  #blockFor(header: FrameHeader): Block {
    const isStale = header.kind === FrameKind.stale;
    if (this.#phase === 'switching' || (this.#phase === 'postcopy' && isStale)) {
      throw new PageferryError(
        'protocol-violation',
        'the source sent pages while the device state is loaded',
      );
    }
    const block = this.#layout.blocks[header.block];
    if (block === undefined) {
      throw new PageferryError('protocol-violation', `the source sent pages of a RAM block ${header.block}`);
    }
    return block;
  }
}
