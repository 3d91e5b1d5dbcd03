import type { RewritingRates } from './rewriting-rates.js';
import type { Stripes } from './stripes.js';

/** Rates of a page from 2^-16 to 2^14 a second, by octaves; the lowest one is for what is never rewritten. */
const OCTAVES = 32;
const LOWEST_OCTAVE = -16;
/** Observations since the last write that are told apart. */
const AGES = 16;

/**
 * All stripes, lowest rewriting rate first. Rates are noisy, so that stripes count as equal within an octave; among
 * equals the one written last comes first: a program that goes round in its memory comes back to it last, and for one
 * that writes at random it makes no difference. Five bytes a stripe.
 */
export class PropagationOrder {
  readonly #stripes: Stripes;
  /** Stripes in their order. */
  readonly order: Uint32Array;
  readonly #starts = new Uint32Array(OCTAVES * AGES + 1);

  constructor(stripes: Stripes) {
    this.#stripes = stripes;
    this.order = Uint32Array.from({ length: stripes.count }, (_, stripe) => stripe);
  }

  /** Sorts anew: by counting, in a time that is proportional to the number of stripes. */
  update(rates: RewritingRates): void {
    const starts = this.#starts.fill(0);
    const { count, pages } = this.#stripes;
    for (let stripe = 0; stripe < count; stripe++) {
      const next = keyOf(rates, stripe, pages) + 1;
      starts[next] = (starts[next] ?? 0) + 1;
    }
    for (let key = 1; key < starts.length; key++) starts[key] = (starts[key] ?? 0) + (starts[key - 1] ?? 0);
    for (let stripe = 0; stripe < count; stripe++) {
      const key = keyOf(rates, stripe, pages);
      const place = starts[key] ?? 0;
      starts[key] = place + 1;
      this.order[place] = stripe;
    }
  }
}

function keyOf(rates: RewritingRates, stripe: number, pages: number): number {
  const rate = rates.of(stripe) / pages;
  if (rate === 0) return 0;
  const octave = Math.min(Math.max(Math.ceil(Math.log2(rate)) - LOWEST_OCTAVE, 0), OCTAVES - 1);
  return octave * AGES + Math.min(rates.age(stripe), AGES - 1);
}
