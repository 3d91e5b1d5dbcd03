import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OrderedPropagation, PAGE_SIZE, PageSet, type PageLayout } from '../src/index.js';
import { contents, layouts, pagesOf, setOf } from './support/arbitrary.js';
import { bytesAllocatedBy } from './support/count-allocations.js';
import { flatLayout } from './support/simulated-guest.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

function fullSet(layout: PageLayout): PageSet {
  const set = new PageSet(layout);
  set.fill();
  return set;
}

/** All that the plan names, in runs of at most `maxPages`. */
function sendPlan(propagation: OrderedPropagation, maxPages = 64): { first: number; count: number }[] {
  const runs: { first: number; count: number }[] = [];
  for (let run = propagation.nextRun(maxPages); run !== undefined; run = propagation.nextRun(maxPages)) {
    runs.push({ ...run });
  }
  return runs;
}

const pagesIn = (runs: readonly { first: number; count: number }[]): number[] =>
  runs.flatMap(({ first, count }) => Array.from({ length: count }, (_, offset) => first + offset));

/** What is allocated for it beside the page sets. */
function bytesBesidePageSets(layout: PageLayout, eachPageOnce: boolean): number {
  const pending = new PageSet(layout);
  const bytes = bytesAllocatedBy(() => new OrderedPropagation(pending, { eachPageOnce }));
  return bytes - (eachPageOnce ? 2 : 1) * (layout.capacity / 8);
}

describe('OrderedPropagation', () => {
  it('keeps at most a 4096th of the memory of guests of any size beside its page sets', () => {
    for (const bytes of [128 * MIB, 512 * MIB, 4 * GIB, 128 * GIB, 256 * GIB, 1024 * GIB]) {
      for (const eachPageOnce of [false, true]) {
        const kept = bytesBesidePageSets(flatLayout(bytes / PAGE_SIZE), eachPageOnce);
        expect(kept).toBeLessThanOrEqual(bytes / 4096);
        // Otherwise this was no measurement.
        expect(kept).toBeGreaterThan(bytes / 2 ** 20);
      }
    }
  });

  it('sends everything upwards while nothing is known', () => {
    const propagation = new OrderedPropagation(fullSet(flatLayout(100)), { eachPageOnce: false });
    propagation.plan(undefined);
    expect(sendPlan(propagation)).toEqual([
      { first: 0, count: 32 },
      { first: 32, count: 32 },
      { first: 64, count: 32 },
      { first: 96, count: 4 },
    ]);
    expect(propagation.isExhausted).toBe(true);
    expect(propagation.pending.count).toBe(0);
  });

  it('sends what is deferred when nothing else is left to send, and then as all other pages', () => {
    const layout = flatLayout(100);
    const propagation = new OrderedPropagation(fullSet(layout), { eachPageOnce: false });
    propagation.defer(setOf(layout, [0, 1, 2, 40, 41, 99]));
    propagation.plan(Infinity);
    const first = pagesIn(sendPlan(propagation));
    expect(first).toEqual(pagesOf(layout).filter((page) => ![0, 1, 2, 40, 41, 99].includes(page)));
    expect(propagation.pendingBytes).toBe(6 * PAGE_SIZE);
    propagation.plan(Infinity);
    expect(pagesIn(sendPlan(propagation))).toEqual([0, 1, 2, 40, 41, 99]);
    propagation.observe(setOf(layout, [7, 8]), 1);
    propagation.defer(setOf(layout, [7]));
    propagation.plan(Infinity);
    expect(pagesIn(sendPlan(propagation))).toEqual([7, 8]);
  });

  it('sends what is deferred though the guest goes on writing, once all else was sent', () => {
    const layout = flatLayout(100);
    const propagation = new OrderedPropagation(fullSet(layout), { eachPageOnce: false });
    propagation.defer(setOf(layout, [3, 4]));
    propagation.plan(Infinity);
    expect(pagesIn(sendPlan(propagation))).not.toContain(3);
    propagation.observe(setOf(layout, [50]), 1);
    propagation.plan(Infinity);
    expect(pagesIn(sendPlan(propagation)).sort((a, b) => a - b)).toEqual([3, 4, 50]);
  });

  it('sends a deferred page in its turn once it is rewritten', () => {
    const layout = flatLayout(100);
    const propagation = new OrderedPropagation(fullSet(layout), { eachPageOnce: false });
    propagation.defer(setOf(layout, [3, 4]));
    propagation.observe(setOf(layout, [4]), 1);
    propagation.plan(Infinity);
    expect(pagesIn(sendPlan(propagation)).sort((a, b) => a - b)).toEqual(
      pagesOf(layout).filter((page) => page !== 3),
    );
  });

  it('leaves what is deferred for post-copy, where each page is sent once', () => {
    const layout = flatLayout(100);
    const propagation = new OrderedPropagation(fullSet(layout), { eachPageOnce: true });
    propagation.defer(setOf(layout, [3, 4, 50]));
    for (let look = 0; look < 3; look++) {
      propagation.plan(Infinity);
      sendPlan(propagation);
    }
    expect(contents(propagation.pending)).toEqual([3, 4, 50]);
  });

  it('sends what was left out only once it is to be sent after all', () => {
    const layout = flatLayout(100);
    for (const eachPageOnce of [false, true]) {
      const propagation = new OrderedPropagation(fullSet(layout), { eachPageOnce });
      propagation.leaveOut(setOf(layout, [3, 4, 50]));
      propagation.plan(Infinity);
      expect(pagesIn(sendPlan(propagation))).toHaveLength(97);
      propagation.sendAfterAll(setOf(layout, [4]));
      propagation.plan(Infinity);
      expect(pagesIn(sendPlan(propagation))).toEqual([4]);
      expect(propagation.pending.count).toBe(0);
    }
  });

  it('sends the stripe with the lowest rate first', () => {
    const layout = flatLayout(127);
    const propagation = new OrderedPropagation(fullSet(layout), { eachPageOnce: false });
    const pages = [...Array.from({ length: 30 }, (_, page) => page), 32, 64, 65, 66, 67];
    propagation.observe(setOf(layout, pages), 1);
    propagation.plan(Infinity);
    expect(sendPlan(propagation).map(({ first }) => first / 32)).toEqual([3, 1, 2, 0]);
  });

  it('leaves out what lies beyond the bandwidth, and counts clean stripes as well', () => {
    const layout = flatLayout(127);
    const propagation = new OrderedPropagation(new PageSet(layout), { eachPageOnce: false });
    propagation.observe(setOf(layout, pagesOf(layout)), 1);
    // Rates are 32, 32, 32 and 31 pages a second.
    propagation.plan(100 * PAGE_SIZE);
    expect(propagation.skippedPages).toBe(31);
    expect(propagation.accumulatedRate).toBe(96 * PAGE_SIZE);
    expect(pagesIn(sendPlan(propagation))).toEqual(pagesOf(layout).slice(0, 96));
    expect(propagation.pending.count).toBe(31);
    // Three stripes are clean now; to keep them clean still takes all of the bandwidth.
    propagation.plan(100 * PAGE_SIZE);
    expect(propagation.isExhausted).toBe(true);
    expect(propagation.skippedPages).toBe(31);
  });

  it('expects pages to take what their stripe took before, and skips stripes of small deltas later', () => {
    const layout = flatLayout(127);
    const propagation = new OrderedPropagation(fullSet(layout), { eachPageOnce: false });
    propagation.plan(Infinity);
    for (const { first, count } of sendPlan(propagation)) propagation.took(first, count, count * 16);
    for (let look = 0; look < 12; look++) {
      propagation.observe(setOf(layout, pagesOf(layout)), 1);
      propagation.plan(Infinity);
      for (const { first, count } of sendPlan(propagation)) propagation.took(first, count, count * 64);
    }
    propagation.observe(setOf(layout, pagesOf(layout)), 1);
    expect(propagation.pendingBytes).toBeLessThan(127 * 80);
    propagation.plan(100 * 127);
    expect(propagation.skippedPages).toBe(0);
  });

  it('counts pages at their full size while nothing was sent', () => {
    const propagation = new OrderedPropagation(fullSet(flatLayout(100)), { eachPageOnce: false });
    expect(propagation.pendingBytes).toBe(100 * PAGE_SIZE);
  });

  it('counts pages that were never sent at their full size, however small those were that went first', () => {
    const layout = flatLayout(64 * 32 - 1);
    const propagation = new OrderedPropagation(fullSet(layout), { eachPageOnce: false });
    propagation.plan(Infinity);
    for (let run = 0; run < 63; run++) {
      const { first, count } = propagation.nextRun(32) ?? { first: 0, count: 0 };
      propagation.took(first, count, 0);
    }
    expect(propagation.pendingBytes).toBe(31 * PAGE_SIZE);
  });

  it('names the stripes that are rewritten, hottest first', () => {
    const layout = flatLayout(127);
    const propagation = new OrderedPropagation(fullSet(layout), { eachPageOnce: false });
    expect([...propagation.hottest.order]).toEqual([]);
    propagation.observe(setOf(layout, [0, 32, 33, 34, 35, 96, 97]), 1);
    expect([...propagation.hottest.order]).toEqual([1, 3, 0]);
    expect(propagation.hottest.pages).toBe(32);
    expect([31, 64].map((page) => propagation.isRewritten(page))).toEqual([true, false]);
  });

  it('sends no page that was sent otherwise', () => {
    for (const eachPageOnce of [false, true]) {
      const propagation = new OrderedPropagation(fullSet(flatLayout(40)), { eachPageOnce });
      for (let page = 0; page < 39; page++) propagation.sentElsewhere(page);
      propagation.plan(undefined);
      expect(sendPlan(propagation)).toEqual([{ first: 39, count: 1 }]);
    }
  });

  it('sends hot stripes last when each page goes once, and not at all if they will be rewritten meanwhile', () => {
    const layout = flatLayout(1000);
    const propagation = new OrderedPropagation(fullSet(layout), { eachPageOnce: true });
    const hot = Array.from({ length: 64 }, (_, page) => page);
    propagation.observe(setOf(layout, hot), 1);
    // All the others take 9 s: the hot ones would be rewritten nine times.
    propagation.plan(100 * PAGE_SIZE);
    const slow = pagesIn(sendPlan(propagation));
    expect(slow.length).toBe(936 + 32);
    expect(slow.slice(-32).every((page) => page < 64)).toBe(true);
    expect(propagation.skippedPages).toBe(32);
  });

  const looks = fc.array(
    fc.record({
      /** Each page is dirtied if its random number is below. */
      dirtied: fc.array(fc.nat(599), { maxLength: 200 }),
      seconds: fc.double({ min: 0.01, max: 2, noNaN: true }),
      pagesPerSecond: fc.option(fc.integer({ min: 1, max: 5000 }), { nil: undefined }),
      /** Runs that are sent until the next look. */
      runs: fc.nat(30),
      maxPages: fc.integer({ min: 1, max: 64 }),
    }),
    { maxLength: 30 },
  );

  it('loses nothing, also when it turns: a page that is not pending was sent since it was dirtied last', () => {
    const lookTurns = fc.tuple(looks, fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }));
    fc.assert(
      fc.property(layouts, lookTurns, (layout, [all, turns]) => {
        const pages = pagesOf(layout);
        const options = { eachPageOnce: false };
        const propagation = new OrderedPropagation(fullSet(layout), options);
        const outdated = new Set(pages);
        const sent = new Set<number>();
        for (const [at, { dirtied, seconds, pagesPerSecond, runs, maxPages }] of all.entries()) {
          const eachPageOnce = turns[at] ?? false;
          if (eachPageOnce !== options.eachPageOnce) sent.clear();
          options.eachPageOnce = eachPageOnce;
          const changed = dirtied.map((index) => pages[index % pages.length] ?? 0);
          for (const page of changed) outdated.add(page);
          propagation.observe(setOf(layout, changed), seconds);
          propagation.plan(pagesPerSecond === undefined ? undefined : pagesPerSecond * PAGE_SIZE);
          for (let index = 0; index < runs; index++) {
            const run = propagation.nextRun(maxPages);
            if (run === undefined) break;
            expect(run.count).toBeLessThanOrEqual(maxPages);
            for (const page of pagesIn([run])) {
              expect(outdated.delete(page)).toBe(true);
              if (eachPageOnce) expect(sent.has(page)).toBe(false);
              sent.add(page);
            }
          }
          expect(contents(propagation.pending)).toEqual([...outdated].sort((a, b) => a - b));
        }
      }),
    );
  });

  it('plans or skips every page that may be sent', () => {
    fc.assert(
      fc.property(layouts, looks, (layout, all) => {
        const pages = pagesOf(layout);
        const propagation = new OrderedPropagation(fullSet(layout), { eachPageOnce: false });
        for (const { dirtied, seconds, pagesPerSecond, maxPages } of all) {
          const changed = dirtied.map((index) => pages[index % pages.length] ?? 0);
          propagation.observe(setOf(layout, changed), seconds);
          const before = propagation.pending.count;
          propagation.plan(pagesPerSecond === undefined ? undefined : pagesPerSecond * PAGE_SIZE);
          const skipped = propagation.skippedPages;
          expect(pagesIn(sendPlan(propagation, maxPages)).length + skipped).toBe(before);
          expect(propagation.pending.count).toBe(skipped);
        }
      }),
    );
  });

  it('plans only stripes whose rates together stay below the bandwidth', () => {
    fc.assert(
      fc.property(layouts, looks, (layout, all) => {
        const pages = pagesOf(layout);
        const propagation = new OrderedPropagation(fullSet(layout), { eachPageOnce: false });
        for (const { dirtied, seconds, pagesPerSecond = Infinity } of all) {
          const changed = dirtied.map((index) => pages[index % pages.length] ?? 0);
          propagation.observe(setOf(layout, changed), seconds);
          propagation.plan(pagesPerSecond * PAGE_SIZE);
          const rates = new Map<number, number>();
          for (const { first } of sendPlan(propagation)) {
            const stripe = Math.floor(first / 32);
            rates.set(stripe, propagation.rates.of(stripe));
          }
          const sum = [...rates.values()].reduce((total, rate) => total + rate, 0);
          expect(sum).toBeLessThanOrEqual(pagesPerSecond * (1 + 1e-9));
        }
      }),
    );
  });
});
