import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PageSet, PropagationOrder, RewritingRates, Stripes } from '../src/index.js';
import { flatLayout } from './support/simulated-guest.js';

const STRIPES = 8;
const LAYOUT = flatLayout(STRIPES * 32 - 1);

/** The order after looks at the log, 100 ms apart, each with the pages dirtied of each stripe. */
function orderAfter(...looks: readonly (readonly number[])[]): number[] {
  const stripes = new Stripes(LAYOUT);
  const rates = new RewritingRates(stripes);
  const order = new PropagationOrder(stripes);
  for (const look of looks) {
    const dirtied = new PageSet(LAYOUT);
    for (const [stripe, pages] of look.entries()) {
      // The last stripe is a page shorter: an index between two blocks belongs to none.
      dirtied.addRange(stripe * 32, Math.min(pages, stripe === STRIPES - 1 ? 31 : 32));
    }
    rates.observe(dirtied, 0.1);
  }
  order.update(rates);
  return [...order.order];
}

const look = fc.array(fc.integer({ min: 0, max: 32 }), { minLength: STRIPES, maxLength: STRIPES });

describe('PropagationOrder', () => {
  it('is that of the addresses while nothing is known', () => {
    expect(orderAfter()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('puts the lowest rewriting rate first', () => {
    expect(orderAfter([1, 32, 0, 4, 16, 2, 0, 8])).toEqual([2, 6, 0, 5, 3, 7, 4, 1]);
  });

  it('tells rates apart that differ by a tenth', () => {
    expect(orderAfter([12, 11, 10, 9, 8, 7, 12, 7])).toEqual([5, 7, 4, 3, 2, 1, 0, 6]);
  });

  it('puts the stripe written last first among equals', () => {
    const pairs = [0, 1, 2, 3].map((turn) =>
      Array.from({ length: STRIPES }, (_, stripe) => (stripe >> 1 === turn ? 30 : 0)),
    );
    const rounds = Array.from({ length: 20 }, () => pairs).flat();
    expect(orderAfter(...rounds)).toEqual([6, 7, 4, 5, 2, 3, 0, 1]);
    expect(orderAfter(...rounds, ...pairs.slice(0, 2))).toEqual([2, 3, 0, 1, 6, 7, 4, 5]);
  });

  it('goes back to the address order among what was never rewritten', () => {
    expect(orderAfter([0, 0, 0, 0, 32, 0, 0, 0])).toEqual([0, 1, 2, 3, 5, 6, 7, 4]);
  });

  it('always has every stripe exactly once, and what is left alone for longer first, to a tenth', () => {
    fc.assert(
      fc.property(fc.array(look, { maxLength: 12 }), (looks) => {
        const stripes = new Stripes(LAYOUT);
        const rates = new RewritingRates(stripes);
        const order = new PropagationOrder(stripes);
        for (const pages of looks) {
          const dirtied = new PageSet(LAYOUT);
          for (const [stripe, count] of pages.entries()) dirtied.addRange(stripe * 32, Math.min(count, 31));
          rates.observe(dirtied, 0.25);
          order.update(rates);
        }
        expect([...order.order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
        let shortest = Infinity;
        for (const stripe of order.order) {
          // What is due within a millisecond is all alike.
          const seconds = Math.max(rates.secondsUntilRewritten(stripe), 2 ** -10);
          expect(seconds).toBeLessThanOrEqual(shortest * 1.1);
          shortest = Math.min(shortest, seconds);
        }
      }),
    );
  });
});
