export interface BandwidthEstimateOptions {
  /** Busy time, ms, that is measured before it enters the estimate. */
  readonly windowMs?: number;
  /**
   * Busy time, ms, in which the weight of what was measured before falls to 1/e. After a sudden change of
   * the link the estimate is off by 37% of the change after this time, by 5% after three times as much.
   */
  readonly smoothingMs?: number;
}

/**
 * The link's bandwidth, from what the other side acknowledged while the sender kept the link busy.
 *
 * Idle time does not count, and neither does the time before the first acknowledgement of a busy period: it is
 * a round trip, and in a short burst would make a fast, distant link look slow. Busy time is cut into
 * windows; each window's rate enters an exponentially weighted mean, with a weight that follows from the
 * window's length. Until the first window is full, all bytes over all busy time, round trips included, are a
 * lower bound that stands in.
 */
export class BandwidthEstimate {
  readonly #windowMs: number;
  readonly #smoothingMs: number;
  #busySinceMs: number | undefined;
  #lastAcknowledgedMs: number | undefined;
  #windowBytes = 0;
  #windowBusyMs = 0;
  #allBytes = 0;
  #allBusyMs = 0;
  #smoothed: number | undefined;

  constructor({ windowMs = 100, smoothingMs = 300 }: BandwidthEstimateOptions = {}) {
    this.#windowMs = windowMs;
    this.#smoothingMs = smoothingMs;
  }

  /** Bytes a second, undefined until known: from a tenth of a window of busy time on. */
  get bytesPerSecond(): number | undefined {
    if (this.#smoothed !== undefined) return this.#smoothed;
    if (this.#allBusyMs < this.#windowMs / 10) return undefined;
    return (this.#allBytes / this.#allBusyMs) * 1000;
  }

  /** There is data in flight from now on; without effect while there already is. */
  busySince(nowMs: number): void {
    this.#busySinceMs ??= nowMs;
  }

  /** Nothing is in flight any more. */
  idle(): void {
    this.#busySinceMs = undefined;
    this.#lastAcknowledgedMs = undefined;
  }

  /** The other side has acknowledged `bytes` more; what comes while nothing is in flight is not counted. */
  acknowledged(bytes: number, nowMs: number): void {
    if (this.#busySinceMs === undefined) return;
    this.#allBytes += bytes;
    this.#allBusyMs += nowMs - (this.#lastAcknowledgedMs ?? this.#busySinceMs);
    if (this.#lastAcknowledgedMs !== undefined) {
      this.#windowBytes += bytes;
      this.#windowBusyMs += nowMs - this.#lastAcknowledgedMs;
      if (this.#windowBusyMs >= this.#windowMs) this.#closeWindow();
    }
    this.#lastAcknowledgedMs = nowMs;
  }

  #closeWindow(): void {
    const rate = (this.#windowBytes / this.#windowBusyMs) * 1000;
    const weight = 1 - Math.exp(-this.#windowBusyMs / this.#smoothingMs);
    this.#smoothed = this.#smoothed === undefined ? rate : this.#smoothed + weight * (rate - this.#smoothed);
    this.#windowBytes = 0;
    this.#windowBusyMs = 0;
  }
}
