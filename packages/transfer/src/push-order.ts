import type { PageSet } from './page-set.js';

/** Consecutive pages of one block. */
export interface PageRun {
  readonly first: number;
  readonly count: number;
}

/** Stripes that the guest was seen to rewrite, hottest first. */
export interface HottestStripes {
  readonly order: Uint32Array;
  /** Page indices of one stripe. */
  readonly pages: number;
}

/** Runs around a request that go before anything else: what a guest touches next is often there. */
const RUNS_AROUND_REQUEST = 8;

/**
 * The order in which post-copy pushes the missing pages in the background.
 *
 * Around the last request a bubble grows outwards (Hines and Gopalan, VEE 2009): what is nearest comes first, and a page
 * ahead of the request counts as half as far away as one behind it, since most programs go upwards. Once the nearest
 * pages are there, and before the first request, the bubble takes turns with the stripes that the guest was seen to
 * rewrite most. Without any of both the order is upwards from the start. What the guest is not likely to miss soon comes last.
 */
export class PushOrder {
  readonly #missing: PageSet;
  /** What of them comes before the others, but for what is near a request. */
  readonly #sooner: PageSet | undefined;
  readonly #run = { first: 0, count: 0 };
  readonly #hottest: HottestStripes | undefined;
  #hottestNext = 0;
  #hottestTurn = false;
  #runsAroundRequest = RUNS_AROUND_REQUEST;
  #pivot = 0;
  // Everything from the pivot up to #ahead, and down to #behind, was yielded since the pivot moved.
  #ahead = 0;
  #behind = -1;

  /**
   * @param missing the pages to push; the caller deletes from it what was sent
   * @param hottest where the guest was seen to write, if it was watched
   * @param sooner part of `missing`: the rest waits for it. The caller deletes from it, too, and where host pages are
   *   bigger it is made of whole ones
   */
  constructor(missing: PageSet, hottest?: HottestStripes, sooner?: PageSet) {
    this.#missing = missing;
    this.#hottest = hottest;
    this.#sooner = sooner;
  }

  /**
   * The guest asked for `page`: what lies around it comes next.
   *
   * @throws RangeError if there is no such page.
   */
  requested(page: number): void {
    const { firstPage, pagesPerHostPage } = this.#missing.layout.blockOfPage(page);
    this.#startFrom(page - ((page - firstPage) % pagesPerHostPage));
    this.#runsAroundRequest = 0;
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
    if (this.#runsAroundRequest >= RUNS_AROUND_REQUEST) {
      this.#hottestTurn = !this.#hottestTurn;
      const hot = this.#hottestTurn ? this.#takeHottest(maxPages) : undefined;
      if (hot !== undefined) return hot;
    }
    this.#runsAroundRequest++;
    const pages = this.#bubblePages();
    if (!this.#seek(pages)) {
      this.#startFrom(this.#pivot);
      this.#seek(pages);
    }
    const aheadIsNearer =
      this.#behind === -1 ||
      (this.#ahead !== -1 && this.#ahead - this.#pivot <= 2 * (this.#pivot - this.#behind));
    return aheadIsNearer ? this.#takeAhead(pages, maxPages) : this.#takeBehind(pages, maxPages);
  }

  #takeHottest(maxPages: number): PageRun | undefined {
    if (this.#hottest === undefined) return undefined;
    const { order, pages } = this.#hottest;
    for (; this.#hottestNext < order.length; this.#hottestNext++) {
      const begin = (order[this.#hottestNext] ?? 0) * pages;
      const page = this.#missing.nextSet(begin, begin + pages);
      if (page === -1) continue;
      const { firstPage, pagesPerHostPage } = this.#missing.layout.blockOfPage(page);
      // A host page is missing altogether or not at all.
      const first = page - ((page - firstPage) % pagesPerHostPage);
      const most = wholeHostPages(maxPages, pagesPerHostPage, pagesPerHostPage);
      return this.#yield(first, this.#missing.runLength(first, most));
    }
    return undefined;
  }

  #startFrom(pivot: number): void {
    this.#pivot = pivot;
    this.#ahead = pivot;
    this.#behind = pivot - 1;
  }

  /** In what the bubble grows. */
  #bubblePages(): PageSet {
    const isNear = this.#runsAroundRequest <= RUNS_AROUND_REQUEST;
    return isNear || this.#sooner === undefined || this.#sooner.count === 0 ? this.#missing : this.#sooner;
  }

  /** Moves both ends of the bubble to the next one of `pages`, -1 where there is none; false if on neither side. */
  #seek(pages: PageSet): boolean {
    if (this.#ahead !== -1) this.#ahead = pages.nextSet(this.#ahead);
    if (this.#behind !== -1) this.#behind = pages.previousSet(this.#behind);
    return this.#ahead !== -1 || this.#behind !== -1;
  }

  #takeAhead(pages: PageSet, maxPages: number): PageRun {
    const first = this.#ahead;
    const { pagesPerHostPage } = this.#missing.layout.blockOfPage(first);
    const count = pages.runLength(first, wholeHostPages(maxPages, pagesPerHostPage, pagesPerHostPage));
    this.#ahead = first + count;
    return this.#yield(first, count);
  }

  #takeBehind(pages: PageSet, maxPages: number): PageRun {
    const last = this.#behind;
    const { firstPage, pagesPerHostPage } = this.#missing.layout.blockOfPage(last);
    // The last host page of a block may be shorter than the others.
    const inLastHostPage = ((last - firstPage) % pagesPerHostPage) + 1;
    const count = pages.runLengthBack(last, wholeHostPages(maxPages, inLastHostPage, pagesPerHostPage));
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
