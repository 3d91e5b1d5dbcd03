import type { FirstPassSink } from '@pageferry/qemu';
import { PAGE_SIZE, isReadAhead, type PageSet, type PrecopyScheduler } from '@pageferry/transfer';
import type { FlowControl } from './flow-control.js';
import type { PageSender } from './page-sender.js';
import type { PageFilter } from './page-filter/page-filter.js';
import type { Progress } from './progress.js';

/** How fast the pass can be read is known when the link is full for the first time, but not before so much of it, bytes. */
const LEAST_SAMPLE_BYTES = 256 * 1024;

export interface FirstPassOptions {
  readonly sender: PageSender;
  readonly flow: FlowControl;
  readonly scheduler: PrecopyScheduler;
  /** The pages that have not been sent. */
  readonly pending: PageSet;
  readonly progress: Progress;
  readonly filter: PageFilter;
  /** Whether the rest of the pass is not wanted any more. */
  readonly enough: () => boolean;
}

/**
 * Takes QEMU's first pass over all pages: sends what the link takes, with the content as it comes. Over a slow link the
 * rest of it is only looked at, and left to the scheduler, as is page cache; free pages go as zeroes.
 */
export class FirstPass implements FirstPassSink {
  readonly enough: () => boolean;
  readonly #sender: PageSender;
  readonly #flow: FlowControl;
  readonly #scheduler: PrecopyScheduler;
  readonly #pending: PageSet;
  readonly #progress: Progress;
  readonly #filter: PageFilter;
  readonly #begun = performance.now();
  #readBytes = 0;
  /** Bytes a second that are read while nothing is waited for. */
  #readingSpeed = 0;

  constructor({ sender, flow, scheduler, pending, progress, filter, enough }: FirstPassOptions) {
    this.#sender = sender;
    this.#flow = flow;
    this.#scheduler = scheduler;
    this.#pending = pending;
    this.#progress = progress;
    this.#filter = filter;
    this.enough = enough;
  }

  get target(): Buffer {
    return this.#sender.target;
  }

  page(block: number, address: number): number {
    this.#readBytes += PAGE_SIZE;
    const page = this.#pageAt(block, address);
    if (this.#isReadOnly || this.#filter.cache.has(page)) return -1;
    if (this.#filter.free.has(page)) {
      this.#filter.leftOut(page);
      this.zero(block, address);
      return -1;
    }
    this.#scheduler.sentInFirstPass(page);
    return this.#sender.page(block, address);
  }

  zero(block: number, address: number): void {
    if (this.#isReadOnly) return;
    this.#scheduler.sentInFirstPass(this.#pageAt(block, address));
    this.#sender.zero(block, address);
  }

  ready(): Promise<void> | undefined {
    this.#progress.remainingPages = this.#pending.count;
    if (this.#readingSpeed === 0 && this.#flow.isFull && this.#readBytes >= LEAST_SAMPLE_BYTES) {
      this.#readingSpeed = (this.#readBytes / (performance.now() - this.#begun)) * 1000;
    }
    return this.#isLinkSlow ? undefined : this.#flow.room();
  }

  /** What comes now is only looked at. */
  get #isReadOnly(): boolean {
    return this.#flow.isFull && this.#isLinkSlow;
  }

  get #isLinkSlow(): boolean {
    return isReadAhead(this.#flow.bytesPerSecond, this.#readingSpeed);
  }

  #pageAt(block: number, address: number): number {
    return (this.#pending.layout.blocks[block]?.firstPage ?? 0) + address / PAGE_SIZE;
  }
}
