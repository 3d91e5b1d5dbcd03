/** Keeps what strangers on the network cause from filling the log: so many lines in a window of time, then none. */
export class LogLimit {
  readonly #most: number;
  readonly #windowMs: number;
  #endMs = 0;
  #left = 0;
  #skipped = 0;

  constructor(most = 10, windowMs = 10_000) {
    this.#most = most;
    this.#windowMs = windowMs;
  }

  /** Undefined if this is not to be logged; otherwise how many were not, since the last one that was. */
  next(nowMs = performance.now()): { readonly skipped: number } | undefined {
    if (nowMs >= this.#endMs) {
      this.#endMs = nowMs + this.#windowMs;
      this.#left = this.#most;
    }
    if (this.#left === 0) {
      this.#skipped++;
      return undefined;
    }
    this.#left--;
    const skipped = this.#skipped;
    this.#skipped = 0;
    return { skipped };
  }
}
