import { PageferryError } from '@pageferry/errors';

const SEQUENCES = 2 ** 32;

/** What several frames come to. */
export interface FrameTotals {
  /** On the wire. */
  readonly bytes: number;
  /** What they count as while they are in flight, bytes. */
  readonly weight: number;
  /** So many of them stand for much more than they have: see {@link isMuchLess}. */
  readonly references: number;
}

/** Whether a frame stands for so much more than it has that its acknowledgement says nothing of the link; both in bytes. */
export function isMuchLess(bytes: number, weight: number): boolean {
  return bytes * 16 < weight;
}

/** Frames that were sent over one connection and not yet acknowledged, the oldest first. */
export class FramesInFlight {
  #newest = 0;
  #oldest = 1;
  #weight = 0;
  readonly #bytes: number[] = [];
  readonly #weights: number[] = [];
  readonly #sentAtMs: number[] = [];

  /** Of all of them together, bytes. */
  get weight(): number {
    return this.#weight;
  }

  /** A frame is sent; answers its sequence number. */
  add(bytes: number, weight: number, nowMs: number): number {
    this.#newest = (this.#newest + 1) % SEQUENCES;
    this.#bytes.push(bytes);
    this.#weights.push(weight);
    this.#sentAtMs.push(nowMs);
    this.#weight += weight;
    return this.#newest;
  }

  /**
   * All up to a sequence number have arrived.
   * @returns what they come to, and when the last of them was sent, ms
   * @throws `protocol-violation` if this one is not in flight
   */
  acknowledge(sequence: number): FrameTotals & { readonly sentAtMs: number } {
    const count = ((sequence - this.#oldest + SEQUENCES) % SEQUENCES) + 1;
    const sentAtMs = this.#sentAtMs[count - 1];
    if (sentAtMs === undefined) {
      throw new PageferryError(
        'protocol-violation',
        `the destination acknowledged the frame ${sequence}, which was not sent`,
      );
    }
    return { ...this.#take(count), sentAtMs };
  }

  /** None of them will be acknowledged any more; answers what they come to. */
  forget(): FrameTotals {
    return this.#take(this.#bytes.length);
  }

  /** Takes out so many, the oldest ones. */
  #take(count: number): FrameTotals {
    const totals = { bytes: 0, weight: 0, references: 0 };
    for (let index = 0; index < count; index++) {
      const bytes = this.#bytes[index] ?? 0;
      const weight = this.#weights[index] ?? 0;
      totals.bytes += bytes;
      totals.weight += weight;
      if (isMuchLess(bytes, weight)) totals.references++;
    }
    for (const list of [this.#bytes, this.#weights, this.#sentAtMs]) list.splice(0, count);
    this.#oldest = (this.#oldest + count) % SEQUENCES;
    this.#weight -= totals.weight;
    return totals;
  }
}
