/** Downtime, as a multiple of its fixed part, below which more iterations have nothing to gain. */
const NOTHING_TO_GAIN = 1.2;
/** Of a round with nothing worth sending, ms: rates need time to fall when the guest comes to the end of a burst. */
const SHORTEST_ROUND_MS = 1000;
/** Of such a round once the rest fits the limit, as a multiple of the downtime that could still be saved. */
const WAIT_FOR_GAIN = 4;
/** Of the rest over its minimum, beyond which the minimum is over: iterations are short, and their rests are noisy. */
const RISE = 1.3;
/** Rounds without progress after which a rest that fits the limit is as small as it gets. */
const PATIENCE_WITHIN_LIMIT = 2;
/** Of the downtime limit: from there a rest that rises might soon no longer fit. */
const SAFE_SHARE = 0.75;

/**
 * What pre-copy comes to: it goes on; the guest is stopped, as what is left fits the downtime limit; or more of it would
 * not bring the stop nearer.
 */
export type ConvergenceDecision = 'iterate' | 'switch-over' | 'stalled';

export interface ConvergenceOptions {
  /** Fraction of the remaining bytes by which a new minimum must be lower to count as progress. */
  readonly improvement?: number;
  /** Rounds without progress after which pre-copy counts as stalled. */
  readonly patience?: number;
}

/** The state of a migration at the start of an iteration, when the dirty log has just been read. */
export interface IterationStart {
  /** Since the migration began, ms. */
  readonly nowMs: number;
  /** Bytes that the destination does not have, or has outdated. */
  readonly remainingBytes: number;
  /** Bytes sent since the migration began. */
  readonly sentBytes: number;
  /** Whether the last iteration ended with everything sent that is worth sending. */
  readonly exhausted: boolean;
  /** Estimate of the link's bandwidth; undefined while not known. */
  readonly bytesPerSecond: number | undefined;
  /** Longest time, ms, for which the guest may stand still. */
  readonly downtimeLimitMs: number;
  /** Part of the downtime, ms, that the remaining bytes do not cause: device state, round trips. */
  readonly overheadMs: number;
}

/**
 * Judges at the start of each iteration whether pre-copy still pays.
 *
 * Iterations may be short, and what remains rises and falls with a guest that writes in bursts. So progress is judged in
 * rounds, and by local minima: a round ends when as much was sent as remained at its beginning, or when nothing is worth
 * sending for a second, or, once the rest fits the downtime limit, for as long as what could be saved is worth; a round is progress only if its lowest remainder is lower by `improvement` than any before. `patience`
 * rounds without progress are a stall.
 *
 * Once the rest fits the downtime limit, pre-copy goes on for as long as rounds make progress, and ends at a minimum: to stop
 * the guest for less than is allowed costs a moment and little bandwidth. A rest that rises towards the limit ends it at once.
 */
export class Convergence {
  readonly #improvement: number;
  readonly #patience: number;
  #lowestRemaining = Infinity;
  #lowestOfRound = Infinity;
  #roundEndsAtSentBytes = 0;
  #roundBegunMs = -Infinity;
  #roundsWithoutProgress = 0;

  constructor({ improvement = 0.1, patience = 3 }: ConvergenceOptions = {}) {
    this.#improvement = improvement;
    this.#patience = patience;
  }

  /** To be called exactly once an iteration. */
  next(start: IterationStart): ConvergenceDecision {
    if (start.remainingBytes === 0) return 'switch-over';
    this.#lowestOfRound = Math.min(this.#lowestOfRound, start.remainingBytes);
    const downtimeMs = expectedDowntimeMs(start) ?? Infinity;
    const fits = downtimeMs <= start.downtimeLimitMs;
    const wait = fits
      ? Math.min(WAIT_FOR_GAIN * (downtimeMs - start.overheadMs), SHORTEST_ROUND_MS)
      : SHORTEST_ROUND_MS;
    const isLong = start.nowMs >= this.#roundBegunMs + wait;
    const roundIsOver = (start.exhausted && isLong) || start.sentBytes >= this.#roundEndsAtSentBytes;
    if (roundIsOver) this.#endRound(start);
    if (fits) return this.#isWorthMore(start, downtimeMs) ? 'iterate' : 'switch-over';
    return this.#roundsWithoutProgress >= this.#patience ? 'stalled' : 'iterate';
  }

  /** The guest could be stopped now; whether it pays to wait for a better moment. */
  #isWorthMore({ remainingBytes, downtimeLimitMs, overheadMs }: IterationStart, downtimeMs: number): boolean {
    if (downtimeMs <= NOTHING_TO_GAIN * overheadMs) return false;
    const rise = remainingBytes / Math.min(this.#lowestOfRound, this.#lowestRemaining);
    if (rise > RISE && downtimeMs > SAFE_SHARE * downtimeLimitMs) return false;
    const patience = Math.min(this.#patience, PATIENCE_WITHIN_LIMIT);
    if (this.#roundsWithoutProgress < patience) return true;
    return rise > 1 + this.#improvement && this.#roundsWithoutProgress === patience;
  }

  #endRound({ nowMs, remainingBytes, sentBytes }: IterationStart): void {
    if (this.#lowestOfRound <= this.#lowestRemaining * (1 - this.#improvement)) {
      this.#lowestRemaining = this.#lowestOfRound;
      this.#roundsWithoutProgress = 0;
    } else {
      this.#roundsWithoutProgress++;
    }
    this.#lowestOfRound = Infinity;
    this.#roundBegunMs = nowMs;
    this.#roundEndsAtSentBytes = sentBytes + remainingBytes;
  }
}

/** Downtime, ms, if the guest were stopped now; undefined while the bandwidth is not known. */
export function expectedDowntimeMs({
  remainingBytes,
  bytesPerSecond,
  overheadMs,
}: Pick<IterationStart, 'remainingBytes' | 'bytesPerSecond' | 'overheadMs'>): number | undefined {
  if (remainingBytes === 0) return overheadMs;
  if (bytesPerSecond === undefined) return undefined;
  return (remainingBytes / bytesPerSecond) * 1000 + overheadMs;
}
