/** Bytes that may be sent at once after a pause, as time at the limit: the shorter, the smoother, ms. */
const BURST_MS = 10;

/** Most of a second's bytes that a single frame may have. */
const FRAME_SHARE = 0.03;

/**
 * A limit on bytes a second, as a bucket that fills evenly. A frame may be sent while the bucket is not empty, and may
 * overdraw it: the next one waits for as long as that takes. Over any second no more is sent than the limit, a burst of
 * 10 ms, and one frame: within 5% if no frame is longer than {@link RateLimit.longestFrameBytes}. Without a clock of its own.
 */
export class RateLimit {
  #bytesPerSecond: number;
  #available = 0;
  #updatedMs = 0;

  /** @param bytesPerSecond 0 for no limit */
  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Bytes a second; 0 for no limit. */
  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  /** Longer frames would break the limit over a second, bytes. */
  get longestFrameBytes(): number {
    return this.#bytesPerSecond === 0 ? Infinity : this.#bytesPerSecond * FRAME_SHARE;
  }

  /** Changes the limit from `nowMs` on. */
  change(bytesPerSecond: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#bytesPerSecond = bytesPerSecond;
    this.#available = Math.min(this.#available, this.#burstBytes);
  }

  /** How long to wait before the next frame, ms; 0 if it may be sent now. */
  waitMs(nowMs: number): number {
    if (this.#bytesPerSecond === 0) return 0;
    this.#fill(nowMs);
    return this.#available > 0 ? 0 : ((1 - this.#available) / this.#bytesPerSecond) * 1000;
  }

  /** A frame of so many bytes is sent; fewer than none if it turned out to be shorter. */
  sent(bytes: number, nowMs: number): void {
    if (this.#bytesPerSecond === 0) return;
    this.#fill(nowMs);
    this.#available -= bytes;
  }

  get #burstBytes(): number {
    return (this.#bytesPerSecond * BURST_MS) / 1000;
  }

  #fill(nowMs: number): void {
    const filled = ((nowMs - this.#updatedMs) * this.#bytesPerSecond) / 1000;
    this.#available = Math.min(this.#available + Math.max(filled, 0), this.#burstBytes);
    this.#updatedMs = Math.max(nowMs, this.#updatedMs);
  }
}
