/**
 * What comes next in pre-copy: another iteration; the stop, as what is left fits the downtime limit; or
 * something other than pre-copy, as more iterations would not bring the stop nearer.
 */
export type ConvergenceDecision = 'iterate' | 'switch-over' | 'stalled';

export interface ConvergenceOptions {
  /** Fraction of the remaining bytes by which a new minimum must be lower to count as progress. */
  readonly improvement?: number;
  /** Iterations without progress after which pre-copy counts as stalled. */
  readonly patience?: number;
}

/** The state of a migration at the start of an iteration, when the dirty log has just been read. */
export interface IterationStart {
  /** Bytes that the destination does not have, or has outdated. */
  readonly remainingBytes: number;
  /** Estimate of the link's bandwidth; undefined while not known. */
  readonly bytesPerSecond: number | undefined;
  /** Longest time, ms, for which the guest may stand still. */
  readonly downtimeLimitMs: number;
  /** Part of the downtime, ms, that the remaining bytes do not cause: device state, round trips. */
  readonly overheadMs: number;
  /** What the guest rewrote during the iteration before; undefined at the first. */
  readonly dirtied?: { readonly bytes: number; readonly durationMs: number } | undefined;
}

/**
 * Judges at the start of each iteration whether pre-copy still pays.
 *
 * Progress is judged by the local minima of the remaining bytes over the iterations: only a new
 * minimum that is lower by `improvement` than the last one that counted is progress; the rises in between
 * are normal with a guest that writes in bursts. `patience` iterations without progress are a stall. So is
 * one iteration in which the guest rewrote memory about as fast as the link carries it, or faster: the next
 * would shrink what remains by less than `improvement`.
 */
export class Convergence {
  readonly #improvement: number;
  readonly #patience: number;
  #lowestRemaining = Infinity;
  #iterationsWithoutProgress = 0;

  constructor({ improvement = 0.1, patience = 3 }: ConvergenceOptions = {}) {
    this.#improvement = improvement;
    this.#patience = patience;
  }

  /** To be called exactly once an iteration. */
  next(start: IterationStart): ConvergenceDecision {
    const stalled = this.#madeNoProgress(start.remainingBytes);
    if (fitsDowntimeLimit(start)) return 'switch-over';
    return stalled || this.#isOutrun(start) ? 'stalled' : 'iterate';
  }

  #madeNoProgress(remainingBytes: number): boolean {
    if (remainingBytes <= this.#lowestRemaining * (1 - this.#improvement)) {
      this.#lowestRemaining = remainingBytes;
      this.#iterationsWithoutProgress = 0;
    } else {
      this.#iterationsWithoutProgress++;
    }
    return this.#iterationsWithoutProgress >= this.#patience;
  }

  #isOutrun({ dirtied, bytesPerSecond }: IterationStart): boolean {
    if (dirtied === undefined || bytesPerSecond === undefined || dirtied.durationMs <= 0) return false;
    return (dirtied.bytes / dirtied.durationMs) * 1000 > bytesPerSecond * (1 - this.#improvement);
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

function fitsDowntimeLimit(start: IterationStart): boolean {
  // With nothing left to send there is no better moment to wait for, whatever the limit.
  if (start.remainingBytes === 0) return true;
  const downtimeMs = expectedDowntimeMs(start);
  return downtimeMs !== undefined && downtimeMs <= start.downtimeLimitMs;
}
