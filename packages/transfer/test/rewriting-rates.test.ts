import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PageSet, RewritingRates, Stripes } from '../src/index.js';
import { flatLayout } from './support/simulated-guest.js';

const LAYOUT = flatLayout(4 * 32 - 1);

function ratesOfFourStripes(): { rates: RewritingRates; observe: (pages: number, seconds: number) => void } {
  const rates = new RewritingRates(new Stripes(LAYOUT));
  const dirtied = new PageSet(LAYOUT);
  const observe = (pages: number, seconds: number): void => {
    dirtied.clear();
    dirtied.addRange(32, pages);
    rates.observe(dirtied, seconds);
  };
  return { rates, observe };
}

describe('RewritingRates', () => {
  it('know nothing before the first observation', () => {
    const { rates } = ratesOfFourStripes();
    expect(rates.of(1)).toBe(0);
    expect(rates.secondsUntilRewritten(1)).toBe(Infinity);
  });

  it('take the first observation as it is', () => {
    const { rates, observe } = ratesOfFourStripes();
    observe(8, 0.5);
    expect([0, 1, 2, 3].map((stripe) => rates.of(stripe))).toEqual([0, 16, 0, 0]);
  });

  it('count the pages of each stripe', () => {
    const { rates, observe } = ratesOfFourStripes();
    observe(32 + 5, 1);
    expect([0, 1, 2, 3].map((stripe) => rates.of(stripe))).toEqual([0, 32, 5, 0]);
  });

  it('fall to less than a tenth within ten seconds after the guest stops writing there', () => {
    const { rates, observe } = ratesOfFourStripes();
    for (let look = 0; look < 40; look++) observe(32, 0.25);
    for (let look = 0; look < 40; look++) observe(0, 0.25);
    expect(rates.of(1)).toBeGreaterThan(0);
    expect(rates.of(1)).toBeLessThan(12.8);
  });

  it('smooth over the pauses of a writer that comes back every second', () => {
    const { rates, observe } = ratesOfFourStripes();
    const seen: number[] = [];
    for (let look = 0; look < 80; look++) {
      observe(look % 4 === 0 ? 32 : 0, 0.25);
      if (look >= 40) seen.push(rates.of(1));
    }
    expect(Math.min(...seen)).toBeGreaterThan(26);
    expect(Math.max(...seen)).toBeLessThan(38);
  });

  it('do not fall while a writer that goes round is elsewhere', () => {
    const { rates, observe } = ratesOfFourStripes();
    for (let look = 0; look < 81; look++) observe(look % 20 === 0 ? 32 : 0, 0.25);
    const afterWrite = rates.of(1);
    for (let look = 0; look < 19; look++) observe(0, 0.25);
    expect(rates.of(1)).toBe(afterWrite);
    expect(afterWrite).toBeCloseTo(32 / 5, 0);
  });

  it('weigh an observation by its length, however it is cut', () => {
    const long = ratesOfFourStripes();
    const short = ratesOfFourStripes();
    long.observe(8, 4);
    for (let look = 0; look < 8; look++) short.observe(look % 8 === 7 ? 32 : 0, 0.5);
    long.observe(32, 2);
    for (let look = 0; look < 4; look++) short.observe(8, 0.5);
    expect(short.rates.of(1)).toBeGreaterThan(long.rates.of(1) * 0.5);
    expect(short.rates.of(1)).toBeLessThan(long.rates.of(1) * 2);
  });

  it('say when a writer that goes round comes back', () => {
    const { rates, observe } = ratesOfFourStripes();
    for (let look = 0; look < 81; look++) observe(look % 20 === 0 ? 32 : 0, 0.25);
    expect(rates.secondsUntilRewritten(1)).toBeCloseTo(5, 0);
    for (let look = 0; look < 12; look++) observe(0, 0.25);
    expect(rates.secondsUntilRewritten(1)).toBeCloseTo(2, 0);
  });

  it('expect a writer that is overdue at once, and one that has left to stay away', () => {
    const { rates, observe } = ratesOfFourStripes();
    for (let look = 0; look < 81; look++) observe(look % 20 === 0 ? 32 : 0, 0.25);
    for (let look = 0; look < 24; look++) observe(0, 0.25);
    expect(rates.secondsUntilRewritten(1)).toBe(0);
    for (let look = 0; look < 16; look++) observe(0, 0.25);
    expect(rates.secondsUntilRewritten(1)).toBe(10);
  });

  it('ignore an observation of no length', () => {
    const { rates, observe } = ratesOfFourStripes();
    observe(32, 0);
    observe(32, NaN);
    expect(rates.secondsUntilRewritten(1)).toBe(Infinity);
  });

  it('lie between the lowest and the highest rate observed', () => {
    const looks = fc.array(
      fc.record({
        pages: fc.integer({ min: 0, max: 32 }),
        seconds: fc.double({ min: 1e-3, max: 60, noNaN: true }),
      }),
      { minLength: 1, maxLength: 50 },
    );
    fc.assert(
      fc.property(looks, (all) => {
        const { rates, observe } = ratesOfFourStripes();
        for (const { pages, seconds } of all) observe(pages, seconds);
        const observed = all.map(({ pages, seconds }) => pages / seconds);
        const rounding = Math.max(...observed) * 1e-5;
        expect(rates.of(1)).toBeGreaterThanOrEqual(Math.min(...observed) - rounding);
        expect(rates.of(1)).toBeLessThanOrEqual(Math.max(...observed) + rounding);
      }),
    );
  });
});
