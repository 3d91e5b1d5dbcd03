import { PAGE_SIZE } from './page-layout.js';
import { PageSet } from './page-set.js';
import { PropagationOrder } from './propagation-order.js';
import type { HottestStripes, PageRun } from './push-order.js';
import { RewritingRates } from './rewriting-rates.js';
import { Stripes } from './stripes.js';

/** A page that is rewritten before the stop with a greater chance than this is not worth sending only once. */
const REWRITTEN_LIMIT = 0.25;
/** Of a page that became so small on the wire that it hardly counts, bytes. */
const LEAST_PAGE_BYTES = 16;

export interface OrderedPropagationOptions {
  /** Nothing is sent a second time: what is rewritten meanwhile stays for post-copy. Read with each plan: it may change. */
  readonly eachPageOnce: boolean;
}

/**
 * Which dirty pages to send next, and which not (Microwiper, ICPP 2010, "ordered propagation").
 *
 * Stripes go in the order of their rewriting rates, lowest first, while the sum of the rates stays below the bandwidth.
 * The sum counts the stripes that are clean already, too: to keep them clean costs bandwidth as well. What lies beyond is
 * skipped as hot: it would be dirty again before it can help. Rates count in bytes on the wire, so that stripes whose
 * pages go as small deltas are skipped later.
 *
 * With `eachPageOnce` a stripe is skipped if it is likely to be rewritten while all that comes after it is sent.
 */
export class OrderedPropagation {
  readonly rates: RewritingRates;
  /** Pages that the destination lacks, or has in an old version. */
  readonly pending: PageSet;
  readonly #stripes: Stripes;
  readonly #order: PropagationOrder;
  /** Bytes on the wire that a page of the stripe took of late; 0 if none was sent yet. */
  readonly #pageBytes: Uint16Array;
  readonly #options: OrderedPropagationOptions;
  /** What may be sent: all that is pending or, with `eachPageOnce`, what was not sent since it is so. */
  #eligible: PageSet;
  /** Of these, what comes after all others or, with `eachPageOnce`, stays for post-copy. */
  readonly #deferred: PageSet;
  #isDeferring = true;
  readonly #plan: Uint32Array;
  #planBegin = 0;
  #planEnd = 0;
  /** Where in the stripe at the plan's beginning to look on. */
  #position = 0;
  readonly #run = { first: 0, count: 0 };
  #skippedPages = 0;
  #accumulatedRate = 0;

  constructor(pending: PageSet, options: OrderedPropagationOptions) {
    this.pending = pending;
    this.#options = options;
    this.#eligible = options.eachPageOnce ? pending.clone() : pending;
    this.#deferred = new PageSet(pending.layout);
    this.#stripes = new Stripes(pending.layout);
    this.rates = new RewritingRates(this.#stripes);
    this.#order = new PropagationOrder(this.#stripes);
    this.#pageBytes = new Uint16Array(this.#stripes.count);
    this.#plan = new Uint32Array(this.#stripes.count);
  }

  /** Pages that come after all others. */
  get deferredPages(): number {
    return this.#deferred.count;
  }

  /** Pages that the newest plan leaves out as hot. */
  get skippedPages(): number {
    return this.#skippedPages;
  }

  /** Whether the newest plan has been sent, or has nothing to send. */
  get isExhausted(): boolean {
    return this.#planBegin >= this.#planEnd;
  }

  /** Sum of the rates of all stripes up to the last one in the newest plan, bytes a second. */
  get accumulatedRate(): number {
    return this.#accumulatedRate;
  }

  /** Bytes on the wire that all pending pages are expected to take. */
  get pendingBytes(): number {
    const { count, pages } = this.#stripes;
    let bytes = 0;
    for (let stripe = 0; stripe < count; stripe++) {
      bytes += this.pending.countRange(stripe * pages, pages) * this.#bytesOf(stripe);
    }
    return bytes;
  }

  /** Takes the pages dirtied in the last `seconds`. */
  observe(dirtied: PageSet, seconds: number): void {
    this.rates.observe(dirtied, seconds);
    this.pending.addAll(dirtied);
    this.#deferred.deleteAll(dirtied);
  }

  /**
   * These of the pages that are still to be sent come after all others, or with `eachPageOnce` not at all; no others do.
   * Without effect from {@link sendDeferred} on.
   */
  defer(pages: PageSet): void {
    if (!this.#isDeferring && !this.#isSentOnce) return;
    this.#deferred.clear();
    this.#deferred.addAll(this.#eligible);
    this.#deferred.retainAll(pages);
  }

  /** Pages that need not be sent. */
  leaveOut(pages: PageSet): void {
    this.pending.deleteAll(pages);
    this.#deferred.deleteAll(pages);
    if (this.#isSentOnce) this.#eligible.deleteAll(pages);
  }

  /** Pages that are to be sent though they were left out, or sent as something else. */
  sendAfterAll(pages: PageSet): void {
    this.pending.addAll(pages);
    if (this.#isSentOnce) this.#eligible.addAll(pages);
  }

  /** The page was sent otherwise. */
  sentElsewhere(page: number): void {
    this.pending.delete(page);
    this.#deferred.delete(page);
    if (this.#isSentOnce) this.#eligible.delete(page);
  }

  /**
   * Makes the plan for the next iteration.
   * @param bytesPerSecond the link's bandwidth; undefined while it is not known: nothing is hot then
   */
  plan(bytesPerSecond: number | undefined): void {
    this.#order.update(this.rates);
    if (this.#options.eachPageOnce !== this.#isSentOnce) {
      this.#eligible = this.#isSentOnce ? this.pending : this.pending.clone();
    }
    this.#skippedPages = 0;
    this.#accumulatedRate = 0;
    if (this.#isSentOnce) {
      this.#planWhatIsSentOnce(bytesPerSecond ?? Infinity);
    } else {
      // What a plan had sent before the guest was looked at again is all that does not wait.
      if (this.#planEnd > 0 && this.isExhausted) this.sendDeferred();
      this.#planWhatStaysClean(bytesPerSecond ?? Infinity);
      if (this.isExhausted && this.#deferred.count > 0) {
        this.sendDeferred();
        this.#planWhatStaysClean(bytesPerSecond ?? Infinity);
      }
    }
    this.#position = 0;
  }

  /** The pages to send next, which are no longer pending; undefined at the plan's end. The object is used again. */
  nextRun(maxPages: number): PageRun | undefined {
    const { pages } = this.#stripes;
    while (this.#planBegin < this.#planEnd) {
      const begin = (this.#plan[this.#planBegin] ?? 0) * pages;
      const first = this.#nextToSend(Math.max(begin, this.#position), begin + pages);
      if (first === -1) {
        this.#planBegin++;
        this.#position = 0;
        continue;
      }
      const limit = Math.min(first + maxPages, begin + pages);
      const deferred = this.#deferred.nextSet(first, limit);
      const count = this.#eligible.runLength(first, (deferred === -1 ? limit : deferred) - first);
      this.#position = first + count;
      this.pending.deleteRange(first, count);
      if (this.#isSentOnce) this.#eligible.deleteRange(first, count);
      this.#run.first = first;
      this.#run.count = count;
      return this.#run;
    }
    return undefined;
  }

  /** What was deferred is as all other pages from now on, but for what stays for post-copy. */
  sendDeferred(): void {
    if (this.#isSentOnce) return;
    this.#isDeferring = false;
    this.#deferred.clear();
  }

  /** Whether the guest was seen to rewrite the stripe that holds `page`. */
  isRewritten(page: number): boolean {
    return this.rates.of(this.#stripes.of(page)) > 0;
  }

  /** The stripes that the guest was seen to rewrite, hottest first. */
  get hottest(): HottestStripes {
    this.#order.update(this.rates);
    const { order } = this.#order;
    const cold = order.findIndex((stripe) => this.rates.of(stripe) > 0);
    return {
      order: cold === -1 ? new Uint32Array(0) : order.slice(cold).reverse(),
      pages: this.#stripes.pages,
    };
  }

  /** What a run of pages of one stripe took on the wire, bytes: the next time as much is expected. */
  took(first: number, count: number, bytes: number): void {
    const stripe = this.#stripes.of(first);
    this.#pageBytes[stripe] = Math.max((this.#bytesOf(stripe) + bytes / count) / 2, LEAST_PAGE_BYTES);
  }

  get #isSentOnce(): boolean {
    return this.#eligible !== this.pending;
  }

  /** The lowest page within `from` ≤ page < `limit` that is not deferred; -1 if there is none. */
  #nextToSend(from: number, limit: number): number {
    let first = this.#eligible.nextSet(from, limit);
    while (first !== -1 && this.#deferred.has(first)) {
      first = this.#eligible.nextSet(this.#deferred.nextClear(first, limit), limit);
    }
    return first;
  }

  #toSendIn(stripe: number): number {
    const { pages } = this.#stripes;
    const first = stripe * pages;
    const eligible = this.#eligible.countRange(first, pages);
    return eligible === 0 ? 0 : eligible - this.#deferred.countRange(first, pages);
  }

  #planWhatStaysClean(bytesPerSecond: number): void {
    let sum = 0;
    this.#skippedPages = 0;
    this.#planBegin = 0;
    this.#planEnd = 0;
    for (const stripe of this.#order.order) {
      sum += this.rates.of(stripe) * this.#bytesOf(stripe);
      const pendingPages = this.#toSendIn(stripe);
      if (pendingPages === 0) continue;
      if (sum > bytesPerSecond) {
        this.#skippedPages += pendingPages;
      } else {
        this.#accumulatedRate = sum;
        this.#plan[this.#planEnd++] = stripe;
      }
    }
  }

  /** From the hottest stripe down, since what comes after a stripe says how long it has to stay clean. */
  #planWhatIsSentOnce(bytesPerSecond: number): void {
    const { count, pages } = this.#stripes;
    this.#planBegin = count;
    this.#planEnd = count;
    let secondsAfter = 0;
    for (let place = count - 1; place >= 0; place--) {
      const stripe = this.#order.order[place] ?? 0;
      const eligiblePages = this.#toSendIn(stripe);
      if (eligiblePages === 0) continue;
      const rewrites = (this.rates.of(stripe) / pages) * secondsAfter;
      if (rewrites > REWRITTEN_LIMIT) {
        this.#skippedPages += eligiblePages;
      } else {
        secondsAfter += (eligiblePages * this.#bytesOf(stripe)) / bytesPerSecond;
        this.#accumulatedRate += this.rates.of(stripe) * this.#bytesOf(stripe);
        this.#plan[--this.#planBegin] = stripe;
      }
    }
  }

  /** A whole page for what was never sent: too much makes pre-copy a little longer, too little the stop. */
  #bytesOf(stripe: number): number {
    const bytes = this.#pageBytes[stripe] ?? 0;
    return bytes === 0 ? PAGE_SIZE : bytes;
  }
}
