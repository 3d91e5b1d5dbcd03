import { Convergence, expectedDowntimeMs } from './convergence.js';
import { IterationTable, type Iteration } from './iteration-table.js';
import { OrderedPropagation } from './ordered-propagation.js';
import { PAGE_SIZE } from './page-layout.js';
import type { PageSet } from './page-set.js';
import type { HottestStripes, PageRun } from './push-order.js';

/** Downtime by last pages, as a multiple of the fixed part of it, from which on post-copy is the better stop. */
const POSTCOPY_PAYS = 1.5;

/**
 * What comes next: another iteration; the stop, as what is left fits the downtime limit; or, as more iterations do not
 * bring the stop nearer or the time is up, what the request says for this case.
 */
export type PrecopyDecision = 'iterate' | 'switch-over' | 'stalled' | 'late';

export interface PrecopyLimits {
  /** Longest time, ms, for which the guest may stand still. */
  readonly downtimeLimitMs: number;
  /** Part of the downtime, ms, that the last pages do not cause: device state, round trips. */
  readonly overheadMs: number;
  /** Of the whole pre-copy, ms. */
  readonly timeLimitMs: number;
  /** Nothing is sent a second time: what is rewritten meanwhile stays for post-copy. May change between two decisions. */
  readonly eachPageOnce: boolean;
}

/** Where a migration stands when the dirty log has just been read. */
export interface PrecopyStanding {
  /** Since the migration began, ms. */
  readonly nowMs: number;
  /** On the wire since the migration began. */
  readonly sentBytes: number;
  /** Sent and not yet acknowledged. */
  readonly inFlightBytes: number;
  /** Estimate of the link's bandwidth; undefined while not known. */
  readonly bytesPerSecond: number | undefined;
}

/** A decision with all that it rests on. */
export interface DecidedIteration {
  readonly decision: PrecopyDecision;
  /** If the guest were stopped now, ms; undefined while the bandwidth is not known. */
  readonly expectedDowntimeMs: number | undefined;
  readonly remainingBytes: number;
  /** The iteration that has just ended. */
  readonly ended: Iteration;
}

/**
 * Pre-copy as a pure schedule, without clock, guest or network: {@link observe} what the dirty log says, let it
 * {@link decide}, send what {@link nextRun} names and say so with {@link sent}, until the next look at the log.
 */
export class PrecopyScheduler {
  readonly table = new IterationTable();
  readonly #limits: PrecopyLimits;
  readonly #propagation: OrderedPropagation;
  readonly #convergence = new Convergence();
  /** By then everything but what is deferred could have been sent once. */
  #deferUntilSentBytes: number | undefined;
  #begunMs = 0;
  #begunBytes = 0;
  #bandwidth: number | null = null;
  #dirtiedPages = 0;
  #sentPages = 0;

  /** @param pending all pages, at the beginning; the scheduler keeps it up to date */
  constructor(pending: PageSet, limits: PrecopyLimits) {
    this.#limits = limits;
    this.#propagation = new OrderedPropagation(pending, limits);
  }

  /** The stripes that the guest was seen to rewrite, hottest first. */
  get hottest(): HottestStripes {
    return this.#propagation.hottest;
  }

  /** Takes the pages dirtied in the last `durationMs`. */
  observe(dirtied: PageSet, durationMs: number): void {
    this.#dirtiedPages += dirtied.count;
    this.#propagation.observe(dirtied, durationMs / 1000);
  }

  /** These of the pages that are still to be sent come last, and with `eachPageOnce` not before the stop. */
  defer(pages: PageSet): void {
    this.#propagation.defer(pages);
  }

  /** Pages that come last. */
  get deferredPages(): number {
    return this.#propagation.deferredPages;
  }

  /** Pages that need not be sent. */
  leaveOut(pages: PageSet): void {
    this.#propagation.leaveOut(pages);
  }

  /** Pages that are to be sent though they were left out, or sent as something else. */
  sendAfterAll(pages: PageSet): void {
    this.#propagation.sendAfterAll(pages);
  }

  /** The page was sent, but not for {@link nextRun}. */
  sentOtherwise(page: number): void {
    this.#sentPages++;
    this.#propagation.sentElsewhere(page);
  }

  /** Ends an iteration, decides how to go on, and plans the next one. */
  decide(standing: PrecopyStanding): DecidedIteration {
    const { downtimeLimitMs, overheadMs, timeLimitMs, eachPageOnce } = this.#limits;
    const { nowMs, sentBytes, bytesPerSecond } = standing;
    const propagation = this.#propagation;
    const remainingBytes = propagation.pendingBytes + this.#rewrittenMeanwhile(standing);
    const start = { remainingBytes, bytesPerSecond, downtimeLimitMs, overheadMs, sentBytes, nowMs };
    const ended = this.table.add({
      durationMs: nowMs - this.#begunMs,
      dirtiedPages: this.#dirtiedPages,
      sentPages: this.#sentPages,
      skippedPages: propagation.skippedPages,
      sentBytes: sentBytes - this.#begunBytes,
      bandwidth: this.#bandwidth,
      accumulatedRate: propagation.accumulatedRate,
      remainingPages: propagation.pending.count,
    });
    const exhausted = propagation.isExhausted;
    // Whoever rewrites pages as fast as the link carries them must not keep the others from ever being sent.
    this.#deferUntilSentBytes ??= sentBytes + remainingBytes;
    if (sentBytes >= this.#deferUntilSentBytes) propagation.sendDeferred();
    propagation.plan(bytesPerSecond);
    this.#begunMs = nowMs;
    this.#begunBytes = sentBytes;
    this.#bandwidth = bytesPerSecond ?? null;
    this.#dirtiedPages = 0;
    this.#sentPages = 0;
    let decision = eachPageOnce ? this.#decideOnce(start) : this.#convergence.next({ ...start, exhausted });
    if (decision === 'iterate' && nowMs > timeLimitMs) decision = 'late';
    return { decision, expectedDowntimeMs: expectedDowntimeMs(start), remainingBytes, ended };
  }

  /** The pages to send next, which are no longer pending; undefined when the iteration has nothing more to send. */
  nextRun(maxPages: number): PageRun | undefined {
    return this.#propagation.nextRun(maxPages);
  }

  /** Whether the page is in a stripe that the guest rewrites, and would be sent again then. */
  willSendAgain(page: number): boolean {
    return !this.#limits.eachPageOnce && this.#propagation.isRewritten(page);
  }

  /** A run was sent and took so many bytes on the wire. */
  sent(first: number, count: number, bytes: number): void {
    this.#sentPages += count;
    this.#propagation.took(first, count, bytes);
  }

  /** What the guest rewrites until all that is in flight has arrived, which the stop waits for, bytes. */
  #rewrittenMeanwhile({ nowMs, inFlightBytes, bytesPerSecond }: PrecopyStanding): number {
    if (this.#dirtiedPages === 0) return 0;
    const seconds = (nowMs - this.#begunMs) / 1000;
    if (bytesPerSecond === undefined || seconds <= 0) return inFlightBytes;
    const rewritten = (this.#dirtiedPages * PAGE_SIZE) / seconds;
    return inFlightBytes * Math.min(rewritten / bytesPerSecond, 1);
  }

  /** Post-copy is there for the rest: only a rest that costs hardly more than its switch-over is sent before the stop. */
  #decideOnce(start: {
    readonly remainingBytes: number;
    readonly bytesPerSecond: number | undefined;
    readonly downtimeLimitMs: number;
    readonly overheadMs: number;
  }): PrecopyDecision {
    const downtimeMs = expectedDowntimeMs(start) ?? Infinity;
    const limitMs = Math.min(start.downtimeLimitMs, start.overheadMs * POSTCOPY_PAYS);
    if (downtimeMs <= limitMs) return 'switch-over';
    return this.#propagation.isExhausted ? 'stalled' : 'iterate';
  }
}
