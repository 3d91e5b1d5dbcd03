import type { PageSet } from './page-set.js';

/** Consecutive pages of one block. */
export interface PageRun {
  readonly first: number;
  readonly count: number;
}

/**
 * The order in which post-copy pushes the missing pages in the background.
 *
 * Around the last request a bubble grows outwards: what is nearest comes first, and a page ahead of the
 * request counts as half as far away as one behind it, since most programs go upwards. Before the first
 * request the order is upwards from the start.
 */
export class PushOrder {
  readonly #missing: PageSet;
  readonly #run = { first: 0, count: 0 };
  #pivot = 0;
  // Everything from the pivot up to #ahead, and down to #behind, was yielded since the pivot moved.
  #ahead = 0;
  #behind = -1;

  /** @param missing the pages to push; the caller deletes from it what was sent. */
  constructor(missing: PageSet) {
    this.#missing = missing;
  }

  /**
   * The guest asked for `page`: what lies around it comes next.
   *
   * @throws RangeError if there is no such page.
   */
  requested(page: number): void {
    const { firstPage, pagesPerHostPage } = this.#missing.layout.blockOfPage(page);
    this.#startFrom(page - ((page - firstPage) % pagesPerHostPage));
  }

  /**
   * The pages to push next, or undefined if none are missing. The object is reused by the next call.
   *
   * Pages that the caller left in the set come again once all others were yielded. In a block of
   * bigger host pages a run is made of whole host pages, of at least one, if `missing` is: QEMU
   * takes the pages of a host page in order, without others in between.
   *
   * @param maxPages the longest run.
   */
  nextRun(maxPages: number): PageRun | undefined {
    if (!(maxPages >= 1)) throw new RangeError(`A run cannot be limited to ${maxPages} pages`);
    if (this.#missing.count === 0) return undefined;
    if (!this.#seek()) {
      this.#startFrom(this.#pivot);
      this.#seek();
    }
    const aheadIsNearer =
      this.#behind === -1 ||
      (this.#ahead !== -1 && this.#ahead - this.#pivot <= 2 * (this.#pivot - this.#behind));
    return aheadIsNearer ? this.#takeAhead(maxPages) : this.#takeBehind(maxPages);
  }

  #startFrom(pivot: number): void {
    this.#pivot = pivot;
    this.#ahead = pivot;
    this.#behind = pivot - 1;
  }

  /** Moves both ends of the bubble to the next missing page, -1 where there is none; false if on neither side. */
  #seek(): boolean {
    if (this.#ahead !== -1) this.#ahead = this.#missing.nextSet(this.#ahead);
    if (this.#behind !== -1) this.#behind = this.#missing.previousSet(this.#behind);
    return this.#ahead !== -1 || this.#behind !== -1;
  }

  #takeAhead(maxPages: number): PageRun {
    const first = this.#ahead;
    const { pagesPerHostPage } = this.#missing.layout.blockOfPage(first);
    const count = this.#missing.runLength(
      first,
      wholeHostPages(maxPages, pagesPerHostPage, pagesPerHostPage),
    );
    this.#ahead = first + count;
    return this.#yield(first, count);
  }

  #takeBehind(maxPages: number): PageRun {
    const last = this.#behind;
    const { firstPage, pagesPerHostPage } = this.#missing.layout.blockOfPage(last);
    // The last host page of a block may be shorter than the others.
    const inLastHostPage = ((last - firstPage) % pagesPerHostPage) + 1;
    const count = this.#missing.runLengthBack(
      last,
      wholeHostPages(maxPages, inLastHostPage, pagesPerHostPage),
    );
    this.#behind = last - count;
    return this.#yield(last - count + 1, count);
  }

  #yield(first: number, count: number): PageRun {
    this.#run.first = first;
    this.#run.count = count;
    return this.#run;
  }
}

/** Pages in one host page of `inFirst` pages and as many others as `maxPages` leaves room for. */
function wholeHostPages(maxPages: number, inFirst: number, pagesPerHostPage: number): number {
  const others = Math.max(Math.floor((maxPages - inFirst) / pagesPerHostPage), 0);
  return inFirst + others * pagesPerHostPage;
}
