import type { PageSet } from './page-set.js';
import type { Stripes } from './stripes.js';

/**
 * Seconds in which the weight of what was observed before falls to 1/e. Long against the time in which a program goes
 * once through its working set: shorter, and what it has just left looks hotter than what it comes to next.
 */
const SMOOTHING_SECONDS = 4;
const AGES = 255;

/**
 * How fast the guest rewrites each stripe: pages dirtied a second, smoothed over the observations (Microwiper, ICPP
 * 2010, "rewriting rate"). Five bytes a stripe.
 */
export class RewritingRates {
  readonly #stripes: Stripes;
  readonly #rates: Float32Array;
  /** Observations since the stripe was last dirtied, at most {@link AGES}. */
  readonly #ages: Uint8Array;
  #observedSeconds = 0;

  constructor(stripes: Stripes) {
    this.#stripes = stripes;
    this.#rates = new Float32Array(stripes.count);
    this.#ages = new Uint8Array(stripes.count).fill(AGES);
  }

  /** Whether there has been an observation. */
  get known(): boolean {
    return this.#observedSeconds > 0;
  }

  /** Pages a second. */
  of(stripe: number): number {
    return this.#rates[stripe] ?? 0;
  }

  /** Observations since the stripe was dirtied last: 0 if it was in the newest one, at most 255. */
  age(stripe: number): number {
    return this.#ages[stripe] ?? AGES;
  }

  /** Takes the pages dirtied in the last `seconds`. */
  observe(dirtied: PageSet, seconds: number): void {
    if (!(seconds > 0)) return;
    this.#observedSeconds += seconds;
    // Without the second factor the first observations would count as if the guest had been idle before.
    const weight =
      (1 - Math.exp(-seconds / SMOOTHING_SECONDS)) /
      (1 - Math.exp(-this.#observedSeconds / SMOOTHING_SECONDS));
    const { count, pages } = this.#stripes;
    for (let stripe = 0; stripe < count; stripe++) {
      const dirtiedPages = dirtied.countRange(stripe * pages, pages);
      const rate = this.of(stripe);
      if (dirtiedPages === 0 && rate === 0) continue;
      this.#rates[stripe] = rate + weight * (dirtiedPages / seconds - rate);
      this.#ages[stripe] = dirtiedPages > 0 ? 0 : Math.min(this.age(stripe) + 1, AGES);
    }
  }
}
