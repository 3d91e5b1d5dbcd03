import { BandwidthEstimate } from '@pageferry/transfer';
import type { LinkShape } from './link-shape.js';

export interface SimulatedLinkOptions {
  readonly shape: LinkShape;
  /** ms */
  readonly roundTripMs: number;
  /** Most bytes in flight. */
  readonly windowBytes: number;
}

interface InFlight {
  readonly bytes: number;
  readonly acknowledgedMs: number;
}

/**
 * A link that carries one frame after the other, and whose other end acknowledges each as it arrives. The sender knows of
 * it what the source agent knows: what was acknowledged when.
 */
export class SimulatedLink {
  readonly #options: SimulatedLinkOptions;
  #windowBytes: number;
  readonly #bandwidth = new BandwidthEstimate();
  #inFlight: InFlight[] = [];
  /** The first of them that is not acknowledged yet. */
  #oldest = 0;
  #inFlightBytes = 0;
  #busyUntilMs = 0;
  #sentBytes = 0;

  constructor(options: SimulatedLinkOptions) {
    this.#options = options;
    this.#windowBytes = options.windowBytes;
  }

  /** Changes what may be in flight, within the limit. */
  set windowBytes(bytes: number) {
    this.#windowBytes = Math.min(bytes, this.#options.windowBytes);
  }

  /** Since the beginning. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** Estimate, bytes a second; undefined while not known. */
  get bytesPerSecond(): number | undefined {
    return this.#bandwidth.bytesPerSecond;
  }

  /** Whether nothing more should be sent now. */
  get isFull(): boolean {
    return this.#inFlightBytes >= this.#windowBytes;
  }

  send(bytes: number, nowMs: number): void {
    this.advance(nowMs);
    this.#bandwidth.busySince(nowMs);
    this.#busyUntilMs = this.#options.shape.sentMs(bytes, Math.max(nowMs, this.#busyUntilMs));
    this.#inFlight.push({ bytes, acknowledgedMs: this.#busyUntilMs + this.#options.roundTripMs });
    this.#inFlightBytes += bytes;
    this.#sentBytes += bytes;
  }

  /** Takes the acknowledgements that have come until now. */
  advance(nowMs: number): void {
    for (let next = this.#inFlight[this.#oldest]; next !== undefined; next = this.#inFlight[this.#oldest]) {
      if (next.acknowledgedMs > nowMs) break;
      this.#acknowledge(next);
    }
    if (this.#oldest > 1024) {
      this.#inFlight = this.#inFlight.slice(this.#oldest);
      this.#oldest = 0;
    }
  }

  /** When there is room in the window again, at `nowMs` at the earliest. */
  roomMs(nowMs: number): number {
    let now = nowMs;
    this.advance(now);
    while (this.isFull) {
      now = this.#inFlight[this.#oldest]?.acknowledgedMs ?? now;
      this.advance(now);
    }
    return now;
  }

  /** When everything that was sent has been acknowledged, at `nowMs` at the earliest. */
  drainedMs(nowMs: number): number {
    const drained = Math.max(this.#inFlight.at(-1)?.acknowledgedMs ?? nowMs, nowMs);
    this.advance(drained);
    return drained;
  }

  #acknowledge({ bytes, acknowledgedMs }: InFlight): void {
    this.#oldest++;
    this.#inFlightBytes -= bytes;
    this.#bandwidth.acknowledged(bytes, acknowledgedMs);
    if (this.#inFlightBytes === 0) this.#bandwidth.idle();
  }
}
