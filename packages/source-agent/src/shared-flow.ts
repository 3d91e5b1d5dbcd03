import { BandwidthEstimate, RateLimit } from '@pageferry/transfer';
import { isMuchLess, type FrameTotals } from './frames-in-flight.js';

/** Who goes first of those that share a connection: a guest that stands still, one that lacks pages, one that runs here. */
export enum Urgency {
  precopy,
  postcopy,
  stopped,
}

/** One migration's part of what a connection carries. */
export interface FlowPart {
  readonly urgency: Urgency;
  /** Most that may be in flight while this one has something to send, bytes. */
  readonly window: number;
  /** Whether it waits to send. */
  readonly isWaiting: boolean;
  /** Whether its destination has stopped to take anything in: nobody waits for it. */
  readonly isStalled: boolean;
  /** There may be room again. */
  wake(): void;
}

/**
 * What the migrations over one connection share: the estimate of its bandwidth, the limit, the order of what waits for its
 * encoding, and who goes first. The more urgent go before the less urgent, and of those that are alike the ones that came first: a
 * guest that has the link for itself is over sooner, and rewrites less meanwhile. One whose destination hangs is not waited for.
 */
export class SharedFlow {
  readonly limit = new RateLimit(0);
  readonly #bandwidth = new BandwidthEstimate();
  /** Of all that the destination takes, references by the pages that they stand for. */
  readonly #throughput = new BandwidthEstimate();
  readonly #parts: FlowPart[] = [];
  #inFlight = 0;
  #referencesInFlight = 0;
  /** Resolves, and never rejects, when the last frame that waits for its encoding has been sent; undefined if none does. */
  lastEncoding: Promise<void> | undefined;

  /** What the link carries, bytes a second; undefined while not known. */
  get bytesPerSecond(): number | undefined {
    return this.#bandwidth.bytesPerSecond ?? this.#throughput.bytesPerSecond;
  }

  /** From now on it is asked for. */
  join(part: FlowPart): void {
    if (!this.#parts.includes(part)) this.#parts.push(part);
  }

  leave(part: FlowPart): void {
    const at = this.#parts.indexOf(part);
    if (at !== -1) this.#parts.splice(at, 1);
    this.wakeAll();
  }

  /** Whether others let this one send now. */
  isFree(part: FlowPart): boolean {
    let isBefore = true;
    for (const other of this.#parts) {
      if (other === part) {
        isBefore = false;
        continue;
      }
      if (other.isStalled || other.urgency < part.urgency || (other.urgency === part.urgency && !isBefore))
        continue;
      const yields = other.urgency === Urgency.stopped || other.isWaiting || this.#inFlight >= other.window;
      if (yields) return false;
    }
    return true;
  }

  /** What they wait for may have come: those that go first look first. */
  wakeAll(): void {
    for (const urgency of [Urgency.stopped, Urgency.postcopy, Urgency.precopy]) {
      for (const part of this.#parts) if (part.urgency === urgency) part.wake();
    }
  }

  /**
   * A frame is sent.
   * @param bytes on the wire
   * @param weight what it counts as until it is acknowledged, bytes
   */
  sent(bytes: number, weight: number, nowMs: number): void {
    this.#inFlight += weight;
    this.#throughput.busySince(nowMs);
    // Their acknowledgements say how fast the destination copies pages, and nothing of the link.
    if (isMuchLess(bytes, weight)) {
      this.#referencesInFlight++;
      this.#bandwidth.idle();
    } else if (this.#referencesInFlight === 0) {
      this.#bandwidth.busySince(nowMs);
    }
  }

  acknowledged(frames: FrameTotals, nowMs: number): void {
    this.#bandwidth.acknowledged(frames.bytes, nowMs);
    this.#throughput.acknowledged(frames.weight, nowMs);
    this.forget(frames);
  }

  /** Frames that were in flight are not acknowledged any more. */
  forget({ weight, references }: FrameTotals): void {
    this.#referencesInFlight -= references;
    this.#inFlight -= weight;
    if (this.#inFlight > 0) return;
    this.#bandwidth.idle();
    this.#throughput.idle();
  }
}
