import type { PageSet } from './page-set.js';
import type { Stripes } from './stripes.js';

/** Seconds in which the weight of what was observed before falls to 1/e. */
const SMOOTHING_SECONDS = 4;
/** A stripe that has rested for longer than this many times what its rate says is taken for cooler. */
const PATIENCE = 1.5;

/**
 * How fast the guest rewrites each stripe: pages dirtied a second, smoothed over the visits of the writer (Microwiper,
 * ICPP 2010, "rewriting rate"). Ten bytes a stripe.
 *
 * A rate changes only when the stripe is written: by the pages dirtied then, over the time since the last write. A mean
 * over all time would fall until the writer comes back: of a program that goes round in its memory, what it has just
 * left would look hotter than what it comes to next, and would be sent last instead of first.
 */
export class RewritingRates {
  readonly #stripes: Stripes;
  /** When the stripe was written last. */
  readonly #rates: Float32Array;
  /** Seconds since then. */
  readonly #restedSeconds: Float32Array;
  /** Pages dirtied then. */
  readonly #visits: Uint16Array;
  #observedSeconds = 0;

  constructor(stripes: Stripes) {
    this.#stripes = stripes;
    this.#rates = new Float32Array(stripes.count);
    this.#restedSeconds = new Float32Array(stripes.count);
    this.#visits = new Uint16Array(stripes.count);
  }

  /** Pages a second. */
  of(stripe: number): number {
    const rate = this.#rates[stripe] ?? 0;
    const rested = this.#restedSeconds[stripe] ?? 0;
    return rested === 0 ? rate : Math.min(rate, ((this.#visits[stripe] ?? 0) * PATIENCE) / rested);
  }

  /**
   * Until a page of the stripe that was clean then is expected to be rewritten; Infinity if the stripe never was. What has
   * rested for far longer than its rate says is expected to rest for as long again.
   */
  secondsUntilRewritten(stripe: number): number {
    const rate = this.#rates[stripe] ?? 0;
    if (rate === 0) return Infinity;
    const rested = this.#restedSeconds[stripe] ?? 0;
    const between = this.#stripes.pages / rate;
    return rested < between * PATIENCE ? Math.max(between - rested, 0) : rested;
  }

  /** Takes the pages dirtied in the last `seconds`. */
  observe(dirtied: PageSet, seconds: number): void {
    if (!(seconds > 0)) return;
    this.#observedSeconds += seconds;
    const { count, pages } = this.#stripes;
    for (let stripe = 0; stripe < count; stripe++) {
      const dirtiedPages = dirtied.countRange(stripe * pages, pages);
      const rate = this.#rates[stripe] ?? 0;
      if (dirtiedPages === 0) {
        if (rate === 0) continue;
        this.#restedSeconds[stripe] = (this.#restedSeconds[stripe] ?? 0) + seconds;
      } else {
        const since = rate === 0 ? this.#observedSeconds : (this.#restedSeconds[stripe] ?? 0) + seconds;
        // The first write says how long the guest was watched, not how often it writes: the next ones weigh more.
        const weight =
          (1 - Math.exp(-since / SMOOTHING_SECONDS)) /
          (1 - Math.exp(-this.#observedSeconds / SMOOTHING_SECONDS));
        this.#rates[stripe] = rate + weight * (dirtiedPages / since - rate);
        const before = this.#restedSeconds[stripe] === 0 ? (this.#visits[stripe] ?? 0) : 0;
        this.#visits[stripe] = Math.min(before + dirtiedPages, pages);
        this.#restedSeconds[stripe] = 0;
      }
    }
  }
}
