import { sleep } from '@pageferry/errors';
import type { LonePages } from '@pageferry/transfer';
import { DutyCycle } from './duty-cycle.js';
import type { PageLook } from './page-look.js';

/** Once all pages have been looked at, so much of the share is enough to keep up with what changes. */
const SHARE_OF_LATER_ROUNDS = 0.25;
/** Shorter rests are put together: a timer is not that exact. */
const SHORTEST_REST_MS = 1;
/** Between two reports, ms. */
const REPORT_INTERVAL_MS = 500;

/** How far the indexing has come. */
export interface IndexingProgress {
  /** Times that all pages have been looked at. */
  readonly rounds: number;
  /** Pages that have been looked at in this round, empty ones, too. */
  readonly lookedAtPages: number;
  /** Pages that have nothing in common with any other. */
  readonly lonePages: number;
  /** Processor time that all this has taken, ms. */
  readonly processorMs: number;
}

/** The clocks that the indexing goes by; in tests made-up ones. */
export interface IndexingClock {
  /** ms */
  readonly nowMs: () => number;
  /** Processor time of this thread so far, ms; undefined if it is not known: then the time on the clock counts. */
  readonly processorMs: () => number | undefined;
  readonly rest: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface IndexingOptions {
  readonly look: PageLook;
  readonly lone: LonePages;
  /** Of one processor, above 0 and at most 1. */
  readonly share: number;
  readonly report: (progress: IndexingProgress) => void;
  readonly clock: IndexingClock;
  readonly signal: AbortSignal;
}

export const restFor: IndexingClock['rest'] = async (ms, signal) => sleep(ms, signal);

/** Looks at the guests again and again, within its share of a processor, until the signal is aborted or no guest is left. */
export async function indexGuests({
  look,
  lone,
  share,
  report,
  clock,
  signal,
}: IndexingOptions): Promise<void> {
  const cycle = new DutyCycle(share);
  let accountedMs = clock.processorMs();
  let processorMs = accountedMs ?? 0;
  let reportAtMs = -Infinity;
  let reportedRounds = -1;
  while (!look.isOver) {
    signal.throwIfAborted();
    const begunMs = clock.nowMs();
    look.step();
    const nowMs = clock.nowMs();
    // What the thread does beside looking, as waking up, counts too: with the next step, at the latest.
    const totalMs = clock.processorMs();
    const spentMs =
      totalMs === undefined || accountedMs === undefined ? nowMs - begunMs : totalMs - accountedMs;
    accountedMs = totalMs;
    processorMs += spentMs;
    if (nowMs >= reportAtMs || look.rounds !== reportedRounds) {
      report({
        rounds: look.rounds,
        lookedAtPages: look.lookedAt,
        lonePages: lone.count,
        processorMs,
      });
      reportAtMs = nowMs + REPORT_INTERVAL_MS;
      reportedRounds = look.rounds;
    }
    cycle.share = look.rounds === 0 ? share : share * SHARE_OF_LATER_ROUNDS;
    const restMs = cycle.restMs(begunMs, nowMs, spentMs);
    if (restMs >= SHORTEST_REST_MS) await clock.rest(restMs, signal);
  }
}
