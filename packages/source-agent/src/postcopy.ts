import { PageferryError, abortable } from '@pageferry/errors';
import type { PeerConnection } from '@pageferry/link';
import { PAGE_SIZE, PageSet, PushOrder, type HottestStripes, type PageLayout } from '@pageferry/transfer';
import { FrameKind, checkRunsFrame, readHeader, runAddress, runPages } from '@pageferry/wire';
import type { FlowControl } from './flow-control.js';
import type { PageSender } from './page-sender.js';
import type { Progress } from './progress.js';
import type { StorageSender } from './storage/storage-sender.js';
import { StorageWait } from './storage/storage-wait.js';

/** A requested page queues behind what is in flight: no more than the link carries in this time, ms. */
const WINDOW_MS = 2;
const SMALLEST_WINDOW_BYTES = 128 * 1024;
const LARGEST_WINDOW_BYTES = 4 * 1024 * 1024;
/** What follows a requested page goes with it: a guest that touched the one often touches the others next, pages. */
const PAGES_A_REQUEST = 16;
/** A run that is pushed between two looks at the window, pages. */
const PUSH_PAGES = 32;

/**
 * Post-copy's sender: requested pages at once, all others in the background, nearest to the last request first. The
 * guest is stopped, so its memory no longer changes; every page is sent once.
 */
export class PostcopySender {
  /** Pages that the destination lacks. */
  readonly #missing: PageSet;
  /** Of these, what does not wait for all others. */
  readonly #sooner: PageSet;
  readonly #layout: PageLayout;
  readonly #order: PushOrder;
  readonly #sender: PageSender;
  readonly #flow: FlowControl;
  readonly #progress: Progress;
  readonly #storage: StorageSender | undefined;
  readonly #storageWait: StorageWait | undefined;
  /** Requested pages that a limit on the bandwidth holds back: they go before all others. */
  readonly #waiting: PageSet;
  #open: () => void = () => undefined;
  /** Resolves when the destination can place pages: with its first request, or with {@link begin}. */
  readonly #opened: Promise<void>;

  /**
   * @param hottest where the guest was seen to write, if it was watched
   * @param storage if pages may come from disks that both hosts share
   */
  constructor(
    missing: PageSet,
    sender: PageSender,
    flow: FlowControl,
    progress: Progress,
    hottest: HottestStripes | undefined,
    storage?: StorageSender,
  ) {
    this.#missing = missing;
    this.#sooner = missing.clone();
    this.#layout = missing.layout;
    this.#waiting = new PageSet(missing.layout);
    this.#order = new PushOrder(missing, hottest, this.#sooner);
    this.#sender = sender;
    this.#flow = flow;
    this.#progress = progress;
    // Of a bigger host page QEMU takes all pages one after the other: they come from one place.
    this.#storage = missing.layout.blocks.every(({ pagesPerHostPage }) => pagesPerHostPage === 1)
      ? storage
      : undefined;
    this.#storageWait = this.#storage && new StorageWait(this.#storage);
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  get missingPages(): number {
    return this.#missing.count + (this.#storage?.unsettled.count ?? 0);
  }

  /** Serves the requests and acknowledgements that come over this connection. */
  serve(peer: Pick<PeerConnection, 'onFrame'>): void {
    // The destination may have got more, or less, over an earlier one.
    this.#sooner.retainAll(this.#missing);
    this.#storageWait?.restart();
    peer.onFrame = (frame) => {
      const header = readHeader(frame);
      if (header.kind === FrameKind.ack) this.#flow.acknowledge(header.sequence);
      else if (header.kind === FrameKind.requests) this.#serveRequests(frame);
      else if (header.kind === FrameKind.settled && this.#storage !== undefined)
        this.#storage.settled(frame, header);
      else
        throw new PageferryError('protocol-violation', `the destination sent a frame of kind ${header.kind}`);
    };
  }

  /** These of the pages are pushed last, but for those that are near a requested one. */
  pushLast(pages: PageSet): void {
    this.#sooner.deleteAll(pages);
    this.#sooner.growToHostPages();
    this.#sooner.retainAll(this.#missing);
  }

  /** The destination is ready for pages. */
  begin(): void {
    this.#open();
  }

  /**
   * Sends everything that is missing, as soon as the destination can place it; resolves when it has acknowledged all.
   */
  async push(signal: AbortSignal): Promise<void> {
    await abortable(signal, this.#opened);
    while (this.#missing.count > 0 || this.#storage?.isSettled === false) {
      this.#restoreFromStorage();
      this.#flow.window = this.#windowBytes();
      const room = this.#flow.room();
      if (room !== undefined) await room;
      signal.throwIfAborted();
      if (this.#sendWaiting()) continue;
      const run = this.#order.nextRun(Math.min(PUSH_PAGES, this.#sender.longestRun));
      if (run === undefined) {
        if (this.#storageWait === undefined) break;
        await this.#storageWait.moment(this.#flow.bytesPerSecond, this.#takeBack, signal);
        continue;
      }
      this.#progress.pushedPages += run.count;
      this.#send(run.first, run.count);
    }
    await this.#flow.drained();
  }

  #serveRequests(frame: Buffer): void {
    const header = readHeader(frame);
    const block = this.#layout.blocks[header.block];
    if (block === undefined) {
      throw new PageferryError(
        'protocol-violation',
        `the destination asked for pages of a RAM block ${header.block}`,
      );
    }
    checkRunsFrame(frame, header, block.length);
    this.#open();
    for (let index = 0; index < header.count; index++) {
      const first = block.firstPage + runAddress(frame, index) / PAGE_SIZE;
      const count = this.#missing.runLength(first, Math.max(runPages(frame, index), PAGES_A_REQUEST));
      this.#progress.requests++;
      // None if it was asked for twice, or is on its way already.
      if (count === 0) this.#sendUnsettled(first);
      else if (this.#flow.isLimited) this.#waiting.addRange(first, count);
      else this.#send(first, count);
      this.#order.requested(first);
    }
  }

  /** Has the destination restore what it can, and takes back what it could not. */
  #restoreFromStorage(): void {
    this.#storage?.takeFailed(this.#takeBack);
    this.#storage?.advance(this.#missing, this.#named);
  }

  readonly #takeBack = (pages: PageSet): void => {
    this.#missing.addAll(pages);
  };

  readonly #named = (page: number): void => {
    this.#missing.delete(page);
    this.#sooner.delete(page);
  };

  /** A page that is being restored and that the guest waits for: what comes first, from storage or from here, wins. */
  #sendUnsettled(page: number): void {
    if (this.#storage?.unsettled.has(page) !== true) return;
    this.#sender.sendRun(page, 1);
    this.#sender.flush();
  }

  /** Sends one run of requested pages that were held back; false if there are none. */
  #sendWaiting(): boolean {
    const first = this.#waiting.nextSet(0);
    if (first === -1) return false;
    const { pagesPerHostPage } = this.#layout.blockOfPage(first);
    const most = Math.max(Math.min(PAGES_A_REQUEST, this.#sender.longestRun), pagesPerHostPage);
    // The push may have met it meanwhile.
    const missing = Math.min(this.#missing.runLength(first, most), this.#waiting.runLength(first, most));
    this.#waiting.deleteRange(first, Math.max(missing, 1));
    if (missing > 0) this.#send(first, missing);
    return true;
  }

  #send(first: number, count: number): void {
    this.#missing.deleteRange(first, count);
    this.#sooner.deleteRange(first, count);
    this.#progress.remainingPages = this.#missing.count;
    const { longestRun } = this.#sender;
    for (let done = 0; done < count; done += longestRun) {
      this.#sender.sendRun(first + done, Math.min(longestRun, count - done));
    }
    this.#sender.flush();
  }

  #windowBytes(): number {
    const bytesPerSecond = this.#flow.bytesPerSecond ?? 0;
    const wanted = (bytesPerSecond * WINDOW_MS) / 1000;
    return Math.min(Math.max(wanted, SMALLEST_WINDOW_BYTES), LARGEST_WINDOW_BYTES);
  }
}
