import type { RewritingRates } from './rewriting-rates.js';
import type { Stripes } from './stripes.js';

/** Times from 2^-10 s to 2^16 s are told apart, in steps of a tenth. */
const SHORTEST_SECONDS = 2 ** -10;
const STEPS_AN_OCTAVE = 8;
const KEYS = 26 * STEPS_AN_OCTAVE;

/**
 * All stripes, in the order of the time until they are expected to be rewritten, the longest first. Between stripes that are
 * written at random it is that of the rewriting rates, lowest first; of what a program rewrites round and round, what
 * it has just left comes first, and what it comes to next comes last. Four bytes a stripe.
 */
export class PropagationOrder {
  readonly #stripes: Stripes;
  /** Stripes in their order. */
  readonly order: Uint32Array;
  readonly #starts = new Uint32Array(KEYS + 1);

  constructor(stripes: Stripes) {
    this.#stripes = stripes;
    this.order = Uint32Array.from({ length: stripes.count }, (_, stripe) => stripe);
  }

  /** Sorts anew: by counting, in a time that is proportional to the number of stripes. */
  update(rates: RewritingRates): void {
    const starts = this.#starts.fill(0);
    const { count } = this.#stripes;
    for (let stripe = 0; stripe < count; stripe++) {
      const next = keyOf(rates, stripe) + 1;
      starts[next] = (starts[next] ?? 0) + 1;
    }
    for (let key = 1; key < starts.length; key++) starts[key] = (starts[key] ?? 0) + (starts[key - 1] ?? 0);
    for (let stripe = 0; stripe < count; stripe++) {
      const key = keyOf(rates, stripe);
      const place = starts[key] ?? 0;
      starts[key] = place + 1;
      this.order[place] = stripe;
    }
  }
}

/** 0 for what is never rewritten. */
function keyOf(rates: RewritingRates, stripe: number): number {
  const seconds = rates.secondsUntilRewritten(stripe);
  if (seconds === Infinity) return 0;
  const step = Math.floor(Math.log2(seconds / SHORTEST_SECONDS) * STEPS_AN_OCTAVE);
  return KEYS - 1 - Math.min(Math.max(step, 0), KEYS - 2);
}
