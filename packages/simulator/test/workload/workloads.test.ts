import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bursts, HotSpot, Sweep, Zipf, seededRandom } from '../../src/index.js';
import { emptySet, written } from './support.js';

const PAGES = 100_000;

describe('HotSpot', () => {
  it('dirties as many different pages as random writes would', () => {
    const random = seededRandom(1);
    const anywhere = { pages: PAGES, pagesPerSecond: 50_000, hotFraction: 1, hotShare: 1 };
    const dirtied = written(new HotSpot(anywhere, random), PAGES, 0, 1000).count;
    expect(dirtied / PAGES).toBeCloseTo(1 - Math.exp(-0.5), 2);
  });

  it('writes the hot part and the rest in the shares that are asked for', () => {
    const hotSpot = { pages: PAGES, pagesPerSecond: 20_000, hotFraction: 0.2, hotShare: 0.75 };
    const dirtied = written(new HotSpot(hotSpot, seededRandom(2)), PAGES, 0, 1000);
    const hot = dirtied.countRange(20_000, 20_000);
    expect(hot / 20_000).toBeCloseTo(1 - Math.exp(-0.75), 1);
    expect((dirtied.count - hot) / 80_000).toBeCloseTo(1 - Math.exp(-5000 / 80_000), 2);
  });

  it('dirties everything in a long time, and nothing in none', () => {
    const hotSpot = { pages: PAGES, pagesPerSecond: 1e9, hotFraction: 0.3, hotShare: 0.5 };
    expect(written(new HotSpot(hotSpot, seededRandom(3)), PAGES, 0, 1000).count).toBe(PAGES);
    expect(written(new HotSpot(hotSpot, seededRandom(3)), PAGES, 1000, 1000).count).toBe(0);
  });

  it('writes the same when it is asked often or seldom, but for chance', () => {
    const hotSpot = { pages: PAGES, pagesPerSecond: 40_000, hotFraction: 1, hotShare: 1 };
    const often = new HotSpot(hotSpot, seededRandom(4));
    const dirtied = emptySet(PAGES);
    for (let ms = 0; ms < 1000; ms++) often.write(dirtied, ms, ms + 1);
    const seldom = written(new HotSpot(hotSpot, seededRandom(5)), PAGES, 0, 1000);
    expect(dirtied.count / seldom.count).toBeCloseTo(1, 1);
  });
});

describe('Zipf', () => {
  it('writes few places much and many places little', () => {
    const zipf = new Zipf({ pages: PAGES, pagesPerSecond: 50_000, skew: 1 }, seededRandom(1));
    const first = written(zipf, PAGES, 0, 1000);
    const second = written(zipf, PAGES, 1000, 2000);
    const both = first.clone();
    both.addAll(second);
    const common = first.count + second.count - both.count;
    // Of evenly written pages the same share of the first ones as of all would come again.
    expect(first.count / PAGES).toBeLessThan(0.3);
    expect(common / first.count).toBeGreaterThan(2 * (second.count / PAGES));
  });

  it('is evenly spread without skew', () => {
    const zipf = new Zipf({ pages: PAGES, pagesPerSecond: 50_000, skew: 0 }, seededRandom(1));
    expect(written(zipf, PAGES, 0, 1000).count / PAGES).toBeCloseTo(1 - Math.exp(-0.5), 1);
  });

  it('stays within the memory, whatever its size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer(), (pages, seed) => {
        const zipf = new Zipf({ pages, pagesPerSecond: 1e9, skew: 1 }, seededRandom(seed));
        expect(written(zipf, pages, 0, 1000).count).toBe(pages);
      }),
    );
  });
});

describe('Sweep', () => {
  it('goes on where it was, and begins again at the end', () => {
    const sweep = new Sweep({ pages: 100, pagesPerSecond: 1000 });
    const dirtied = written(sweep, 200, 90, 115);
    expect(dirtied.count).toBe(25);
    expect([dirtied.countRange(90, 10), dirtied.countRange(0, 15)]).toEqual([10, 15]);
    expect(written(sweep, 200, 0, 1000).count).toBe(100);
  });

  it('writes the same pages however often it is asked', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { maxLength: 20 }), (steps) => {
        const sweep = new Sweep({ pages: 1_000_000, pagesPerSecond: 1234.5 });
        const dirtied = emptySet(1_000_000);
        let now = 0;
        for (const step of steps) sweep.write(dirtied, now, (now += step));
        expect(dirtied.count).toBe(written(sweep, 1_000_000, 0, now).count);
      }),
    );
  });
});

describe('Bursts', () => {
  it('write only in their time', () => {
    const bursts = new Bursts(new Sweep({ pages: 10_000, pagesPerSecond: 1000 }), {
      writingMs: 10,
      idleMs: 90,
    });
    expect(written(bursts, 10_000, 0, 1000).count).toBe(100);
    expect(written(bursts, 10_000, 10, 100).count).toBe(0);
    expect(written(bursts, 10_000, 105, 206).count).toBe(11);
  });
});
