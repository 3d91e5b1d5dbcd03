import type { FirstPassSink } from '@pageferry/qemu';
import { PAGE_SIZE, PageSet, isReadAhead, type PrecopyScheduler } from '@pageferry/transfer';
import type { FlowControl } from './flow-control.js';
import type { PageSender } from './page-sender.js';
import type { PageFilter } from './page-filter/page-filter.js';
import type { Progress } from './progress.js';
import type { StorageSender } from './storage/storage-sender.js';

/** How fast the pass can be read is known when the link is full for the first time, but not before so much of it, bytes. */
const LEAST_SAMPLE_BYTES = 256 * 1024;

/** The destination's QEMU begins slowly: before that time the estimate of the bandwidth is too low, ms. */
const SETTLING_MS = 250;

export interface FirstPassOptions {
  readonly sender: PageSender;
  readonly flow: Pick<FlowControl, 'isFull' | 'bytesPerSecond' | 'room'>;
  readonly scheduler: PrecopyScheduler;
  /** The pages that have not been sent. */
  readonly pending: PageSet;
  readonly progress: Progress;
  readonly filter: PageFilter;
  readonly storage?: StorageSender | undefined;
  /** Whether the rest of the pass is not wanted any more. */
  readonly enough: () => boolean;
}

/**
 * Takes QEMU's first pass over all pages: sends what the link takes, with the content as it comes. Over a slow link the
 * rest of it is read ahead, and what is not sent by its end is left to the scheduler, as is page cache; free pages go as
 * zeroes.
 */
export class FirstPass implements FirstPassSink {
  readonly enough: () => boolean;
  readonly #sender: PageSender;
  readonly #flow: FirstPassOptions['flow'];
  readonly #scheduler: PrecopyScheduler;
  readonly #pending: PageSet;
  readonly #progress: Progress;
  readonly #filter: PageFilter;
  readonly #storage: StorageSender | undefined;
  /** Pages that came. */
  readonly #came: PageSet;
  /** Pages that were to be restored from storage, and have changed before they came. */
  readonly #changed: PageSet;
  /** Pages that came while the link was full. */
  readonly #lookedAt: PageSet;
  #sentUpTo = 0;
  readonly #begun = performance.now();
  #readBytes = 0;
  /** Bytes a second that are read while nothing is waited for. */
  #readingSpeed = 0;

  constructor(options: FirstPassOptions) {
    const { sender, flow, scheduler, pending, progress, filter, storage, enough } = options;
    this.#sender = sender;
    this.#flow = flow;
    this.#scheduler = scheduler;
    this.#pending = pending;
    this.#progress = progress;
    this.#filter = filter;
    this.#storage = storage;
    this.#came = new PageSet(pending.layout);
    this.#changed = new PageSet(pending.layout);
    this.#lookedAt = new PageSet(pending.layout);
    this.enough = enough;
  }

  get target(): Buffer {
    return this.#sender.target;
  }

  page(block: number, address: number): number {
    this.#readBytes += PAGE_SIZE;
    const page = this.#pageAt(block, address);
    if (this.#filter.free.has(page)) {
      this.#filter.leftOut(page);
      this.zero(block, address);
      return -1;
    }
    if (this.#storage !== undefined) this.#cameToStorage(page, this.#storage);
    if (this.#filter.cache.has(page)) return -1;
    if (this.#flow.isFull && this.#isLinkSlow) {
      this.#lookedAt.add(page);
      return -1;
    }
    this.#scheduler.sentOtherwise(page);
    return this.#sender.page(block, address);
  }

  zero(block: number, address: number): void {
    const page = this.#pageAt(block, address);
    if (this.#storage !== undefined) this.#cameToStorage(page, this.#storage);
    this.#scheduler.sentOtherwise(page);
    this.#sender.zero(block, address);
  }

  ready(inContent: boolean): Promise<void> | undefined {
    this.#progress.remainingPages = this.#pending.count;
    this.#filter.mapFilePages();
    this.#storage?.advance(this.#pending, this.#named, this.#isToCome);
    if (this.#readingSpeed === 0 && this.#flow.isFull && this.#readBytes >= LEAST_SAMPLE_BYTES) {
      this.#readingSpeed = (this.#readBytes / (performance.now() - this.#begun)) * 1000;
    }
    if (!this.#isLinkSlow) return this.#flow.room();
    // A page that is half there must not be sent with its frame.
    if (!inContent) this.#sendLookedAt();
    return undefined;
  }

  /** The pass is over: what has changed unseen is sent. */
  end(): void {
    this.#storage?.watch();
    this.#scheduler.sendAfterAll(this.#changed);
  }

  /** Whatever a page has when it comes, the log names what it gets later. */
  #cameToStorage(page: number, storage: StorageSender): void {
    this.#came.add(page);
    if (storage.wasNamedEarly(page) && !storage.isAsNamed(page)) this.#changed.add(page);
  }

  readonly #named = (page: number): void => {
    this.#scheduler.sentOtherwise(page);
  };

  readonly #isToCome = (page: number): boolean => !this.#came.has(page);

  /** The link must not wait while QEMU goes through pages of zeroes: the log names what is written after its record. */
  #sendLookedAt(): void {
    while (this.#lookedAt.count > 0 && !this.#flow.isFull) {
      const first = this.#lookedAt.nextSet(this.#sentUpTo);
      if (first === -1) {
        this.#sentUpTo = 0;
        continue;
      }
      const count = this.#lookedAt.runLength(first, this.#sender.longestRun);
      this.#sentUpTo = first + count;
      this.#lookedAt.deleteRange(first, count);
      for (let page = first; page < first + count; page++) this.#scheduler.sentOtherwise(page);
      this.#sender.sendRun(first, count);
    }
  }

  /** Whether the link holds the pass up. */
  get #isLinkSlow(): boolean {
    if (performance.now() < this.#begun + SETTLING_MS) return false;
    return isReadAhead(this.#flow.bytesPerSecond, this.#readingSpeed);
  }

  #pageAt(block: number, address: number): number {
    return (this.#pending.layout.blocks[block]?.firstPage ?? 0) + address / PAGE_SIZE;
  }
}
