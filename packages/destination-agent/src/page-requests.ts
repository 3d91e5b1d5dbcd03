import { PAGE_SIZE, PageSet, type PageLayout } from '@pageferry/transfer';
import { requestFrame } from './answer-frames.js';
import type { PageRequestTimes } from './page-request-times.js';
import type { SourceLink } from './source-link.js';

/** Passes on to the source what the guest, or QEMU on its behalf, waits for. */
export class PageRequests {
  readonly #layout: PageLayout;
  readonly #link: SourceLink;
  /** Pages that have been asked for. */
  readonly #requested: PageSet;
  #count = 0;
  #times: PageRequestTimes | undefined;

  constructor(layout: PageLayout, link: SourceLink) {
    this.#layout = layout;
    this.#link = link;
    this.#requested = new PageSet(layout);
  }

  /** Requests of QEMU's, so far. */
  get count(): number {
    return this.#count;
  }

  /** Has what comes from now on be measured. */
  measureBy(times: PageRequestTimes): void {
    this.#times = times;
  }

  /** One that comes from QEMU. */
  readonly take = (blockName: string, address: number, bytes: number): void => {
    const block = this.#layout.blockNamed(blockName);
    if (block === undefined) return;
    this.#count++;
    const first = block.firstPage + address / PAGE_SIZE;
    const count = Math.min(Math.ceil(bytes / PAGE_SIZE), block.firstPage + block.pageCount - first);
    this.#requested.addRange(first, count);
    this.#times?.begin(first, count);
    this.#send(first, count);
  };

  /** Asks a new connection for everything that was asked for and is still missing. */
  repeat(missing: PageSet): void {
    const open: { first: number; count: number }[] = [];
    this.#requested.forEachRun((first, count) => {
      open.push({ first, count });
    });
    for (const { first, count } of open) {
      for (let page = first; page < first + count; page++) {
        if (missing.has(page)) this.#send(page, 1);
      }
    }
  }

  #send(first: number, count: number): void {
    const block = this.#layout.blockOfPage(first);
    // One that is lost with the connection is sent again on the next one.
    this.#link.sendFrame(requestFrame(block, this.#layout.address(block, first), count));
  }
}
