import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, PageLayout, PageSet, PushOrder, type PageRun } from '../src/index.js';
import { contents, layoutsWithPages, pagesOf, setOf } from './support/arbitrary.js';

function flatLayout(pages: number): PageLayout {
  return new PageLayout([{ name: 'ram', length: pages * PAGE_SIZE, pageSize: PAGE_SIZE }]);
}

function fullSet(layout: PageLayout): PageSet {
  const set = new PageSet(layout);
  set.fill();
  return set;
}

/** The next runs as [first, last], deleted from the set as if sent. */
function push(order: PushOrder, missing: PageSet, runs: number, maxPages: number): [number, number][] {
  const pushed: [number, number][] = [];
  while (pushed.length < runs) {
    const run = order.nextRun(maxPages);
    if (run === undefined) break;
    missing.deleteRange(run.first, run.count);
    pushed.push([run.first, run.first + run.count - 1]);
  }
  return pushed;
}

function pagesIn({ first, count }: PageRun): number[] {
  return Array.from({ length: count }, (_, offset) => first + offset);
}

describe('PushOrder', () => {
  it('goes upwards from the start before the first request', () => {
    const missing = setOf(flatLayout(100), [3, 4, 5, 6, 50, 99]);
    expect(push(new PushOrder(missing), missing, 9, 3)).toEqual([
      [3, 5],
      [6, 6],
      [50, 50],
      [99, 99],
    ]);
  });

  it('grows a bubble around the request, twice as far ahead as behind', () => {
    const missing = fullSet(flatLayout(1000));
    const order = new PushOrder(missing);
    order.requested(500);
    expect(push(order, missing, 6, 10)).toEqual([
      [500, 509],
      [490, 499],
      [510, 519],
      [520, 529],
      [480, 489],
      [530, 539],
    ]);
  });

  it('leaves what can come later to the end, but for what is near a request', () => {
    const missing = fullSet(flatLayout(1000));
    const sooner = setOf(flatLayout(1000), [5, 6, 700, 701, 950]);
    const order = new PushOrder(missing, undefined, sooner);
    const pushNext = (runs: number): [number, number][] => {
      const pushed: [number, number][] = [];
      for (let run = 0; run < runs; run++) {
        for (const [first, last] of push(order, missing, 1, 10)) {
          sooner.deleteRange(first, last - first + 1);
          pushed.push([first, last]);
        }
      }
      return pushed;
    };
    expect(pushNext(1)).toEqual([[5, 6]]);
    order.requested(500);
    const near = pushNext(8);
    expect(near).toContainEqual([500, 509]);
    for (const [first] of near) expect(Math.abs(first - 500)).toBeLessThan(100);
    expect(pushNext(2)).toEqual([
      [700, 701],
      [950, 950],
    ]);
    while (missing.count > 0) expect(pushNext(1)).toHaveLength(1);
    expect(order.nextRun(10)).toBeUndefined();
  });

  it('takes the nearest first when there are holes', () => {
    const missing = setOf(flatLayout(1000), [100, 480, 520, 900]);
    const order = new PushOrder(missing);
    order.requested(500);
    expect(
      push(order, missing, 9, 10)
        .flat()
        .filter((_, index) => index % 2 === 0),
    ).toEqual([520, 480, 900, 100]);
  });

  it('goes on to the other side when one is exhausted', () => {
    const missing = fullSet(flatLayout(100));
    const order = new PushOrder(missing);
    order.requested(90);
    expect(push(order, missing, 99, 20)).toEqual([
      [90, 99],
      [70, 89],
      [50, 69],
      [30, 49],
      [10, 29],
      [0, 9],
    ]);
  });

  it('moves to the newest request', () => {
    const missing = fullSet(flatLayout(1000));
    const order = new PushOrder(missing);
    order.requested(100);
    push(order, missing, 3, 10);
    order.requested(800);
    expect(push(order, missing, 2, 10)).toEqual([
      [800, 809],
      [790, 799],
    ]);
  });

  it('yields again what was not sent, after everything else', () => {
    const missing = setOf(flatLayout(100), [10, 20, 30]);
    const order = new PushOrder(missing);
    const yielded = Array.from({ length: 5 }, () => order.nextRun(1)?.first);
    expect(yielded).toEqual([10, 20, 30, 10, 20]);
  });

  it('yields pages that were added behind it while it went on', () => {
    const missing = setOf(flatLayout(100), [50]);
    const order = new PushOrder(missing);
    expect(push(order, missing, 9, 4)).toEqual([[50, 50]]);
    missing.add(10);
    expect(push(order, missing, 9, 4)).toEqual([[10, 10]]);
  });

  it('yields every missing page exactly once, in runs of missing pages, wherever the requests fall', () => {
    fc.assert(
      fc.property(
        layoutsWithPages,
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 60 }),
        ({ layout, pages }, maxPages, requests) => {
          const all = pagesOf(layout);
          const missing = setOf(layout, pages);
          missing.growToHostPages();
          const expected = contents(missing);
          const order = new PushOrder(missing);
          const yielded: number[] = [];
          for (let step = 0; ; step++) {
            const request = requests[step];
            if (request !== undefined) order.requested(all[request % all.length] ?? 0);
            const run = order.nextRun(maxPages);
            if (run === undefined) break;
            expect(pagesIn(run).every((page) => missing.has(page))).toBe(true);
            yielded.push(...pagesIn(run));
            missing.deleteRange(run.first, run.count);
          }
          expect(yielded.sort((a, b) => a - b)).toEqual(expected);
        },
      ),
    );
  });

  it('yields whole host pages, and no longer runs than asked for unless one host page is longer', () => {
    fc.assert(
      fc.property(
        layoutsWithPages,
        fc.integer({ min: 1, max: 40 }),
        fc.nat(),
        ({ layout, pages }, maxPages, at) => {
          const all = pagesOf(layout);
          const missing = setOf(layout, pages);
          missing.growToHostPages();
          const order = new PushOrder(missing);
          order.requested(all[at % all.length] ?? 0);
          for (let run = order.nextRun(maxPages); run !== undefined; run = order.nextRun(maxPages)) {
            const { firstPage, pageCount, pagesPerHostPage } = layout.blockOfPage(run.first);
            const end = run.first + run.count;
            expect(run.count).toBeLessThanOrEqual(Math.max(maxPages, pagesPerHostPage));
            expect((run.first - firstPage) % pagesPerHostPage).toBe(0);
            if (end !== firstPage + pageCount) expect((end - firstPage) % pagesPerHostPage).toBe(0);
            missing.deleteRange(run.first, run.count);
          }
        },
      ),
    );
  });

  describe('of a guest that was watched', () => {
    const hottest = { order: Uint32Array.of(20, 5), pages: 32 };

    it('takes turns between the hottest stripes and the bubble', () => {
      const missing = fullSet(flatLayout(1000));
      const order = new PushOrder(missing, hottest);
      expect(push(order, missing, 6, 16)).toEqual([
        [640, 655],
        [0, 15],
        [656, 671],
        [16, 31],
        [160, 175],
        [32, 47],
      ]);
    });

    it('stays around a request first', () => {
      const missing = fullSet(flatLayout(1000));
      const order = new PushOrder(missing, hottest);
      order.requested(300);
      const firsts = push(order, missing, 9, 4).map(([first]) => first);
      expect(firsts.slice(0, 8).every((first) => Math.abs(first - 300) < 32)).toBe(true);
      expect(firsts[8]).toBe(640);
    });

    it('yields every page once, in whole host pages, whatever is hot and asked for', () => {
      const cases = layoutsWithPages.chain(({ layout, pages }) =>
        fc.record({
          layout: fc.constant(layout),
          pages: fc.constant(pages),
          order: fc.shuffledSubarray(Array.from({ length: layout.capacity / 32 }, (_, stripe) => stripe)),
          asked: fc.array(fc.nat(), { maxLength: 5 }),
        }),
      );
      fc.assert(
        fc.property(cases, ({ layout, pages, order: hot, asked }) => {
          const all = pagesOf(layout);
          const missing = setOf(layout, pages);
          missing.growToHostPages();
          const wanted = contents(missing);
          const order = new PushOrder(missing, { order: Uint32Array.from(hot), pages: 32 });
          const pushed: number[] = [];
          for (let run = order.nextRun(8); run !== undefined; run = order.nextRun(8)) {
            const { firstPage, pagesPerHostPage } = layout.blockOfPage(run.first);
            expect((run.first - firstPage) % pagesPerHostPage).toBe(0);
            expect(run.count).toBeGreaterThan(0);
            pushed.push(...pagesIn(run));
            missing.deleteRange(run.first, run.count);
            const next = asked.pop();
            if (next !== undefined) order.requested(all[next % all.length] ?? 0);
          }
          expect(pushed.sort((a, b) => a - b)).toEqual(wanted);
        }),
      );
    });
  });

  it('has nothing to yield when nothing is missing', () => {
    expect(new PushOrder(new PageSet(flatLayout(10))).nextRun(1)).toBeUndefined();
  });

  it('refuses requests for pages that do not exist', () => {
    expect(() => {
      new PushOrder(fullSet(flatLayout(10))).requested(10);
    }).toThrow(RangeError);
  });
});
