import { PageferryError, abortable } from '@pageferry/errors';
import type { PeerConnection } from '@pageferry/link';
import { PAGE_SIZE, PushOrder, type PageLayout, type PageSet } from '@pageferry/transfer';
import { FrameKind, checkRunsFrame, readHeader, runAddress, runPages } from '@pageferry/wire';
import type { FlowControl } from './flow-control.js';
import type { PageSender } from './page-sender.js';
import type { Progress } from './progress.js';

/** A requested page queues behind what is in flight: no more than the link carries in this time, ms. */
const WINDOW_MS = 2;
const SMALLEST_WINDOW_BYTES = 128 * 1024;
const LARGEST_WINDOW_BYTES = 4 * 1024 * 1024;
/** What follows a requested page goes with it: a guest that touched the one often touches the others next, pages. */
const PAGES_A_REQUEST = 16;
/** A run that is pushed between two looks at the window, pages. */
const PUSH_PAGES = 32;
const PAGES_A_READ = 64;

/**
 * Post-copy's sender: requested pages at once, all others in the background, nearest to the last request first. The
 * guest is stopped, so its memory no longer changes; every page is sent once.
 */
export class PostcopySender {
  /** Pages that the destination lacks. */
  readonly #missing: PageSet;
  readonly #layout: PageLayout;
  readonly #order: PushOrder;
  readonly #sender: PageSender;
  readonly #flow: FlowControl;
  readonly #progress: Progress;
  #open: () => void = () => undefined;
  /** Resolves when the destination can place pages: with its first request, or with {@link begin}. */
  readonly #opened: Promise<void>;

  constructor(missing: PageSet, sender: PageSender, flow: FlowControl, progress: Progress) {
    this.#missing = missing;
    this.#layout = missing.layout;
    this.#order = new PushOrder(missing);
    this.#sender = sender;
    this.#flow = flow;
    this.#progress = progress;
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  get missingPages(): number {
    return this.#missing.count;
  }

  /** Serves the requests and acknowledgements that come over this connection. */
  serve(peer: PeerConnection): void {
    peer.onFrame = (frame) => {
      const header = readHeader(frame);
      if (header.kind === FrameKind.ack) this.#flow.acknowledge(header.sequence);
      else if (header.kind === FrameKind.requests) this.#serveRequests(frame);
      else
        throw new PageferryError('protocol-violation', `the destination sent a frame of kind ${header.kind}`);
    };
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
    while (this.#missing.count > 0) {
      this.#flow.window = this.#windowBytes();
      const room = this.#flow.room();
      if (room !== undefined) await room;
      signal.throwIfAborted();
      const run = this.#order.nextRun(PUSH_PAGES);
      if (run === undefined) break;
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
      // Asked for twice, or on its way already.
      if (count > 0) this.#send(first, count);
      this.#order.requested(first);
    }
  }

  #send(first: number, count: number): void {
    this.#missing.deleteRange(first, count);
    this.#progress.remainingPages = this.#missing.count;
    const block = this.#layout.blockOfPage(first);
    for (let done = 0; done < count; done += PAGES_A_READ) {
      this.#sender.sendRun(block, first + done, Math.min(PAGES_A_READ, count - done));
    }
    this.#sender.flush();
  }

  #windowBytes(): number {
    const bytesPerSecond = this.#flow.bandwidth.bytesPerSecond ?? 0;
    const wanted = (bytesPerSecond * WINDOW_MS) / 1000;
    return Math.min(Math.max(wanted, SMALLEST_WINDOW_BYTES), LARGEST_WINDOW_BYTES);
  }
}
