import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, PageLayout, PageSet } from '../src/index.js';
import { contents, layoutsWithPages, pagesOf, setOf } from './support/arbitrary.js';

const positions = fc.integer({ min: 0, max: 700 });

describe('PageSet', () => {
  it('behaves like a plain set under any sequence of changes', () => {
    const changes = fc.array(
      fc.record({
        kind: fc.constantFrom('add', 'delete', 'addRange', 'deleteRange', 'clear', 'fill'),
        at: fc.nat(),
        count: fc.integer({ min: 0, max: 200 }),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(layoutsWithPages, changes, ({ layout, pages }, steps) => {
        const all = pagesOf(layout);
        const set = setOf(layout, pages);
        const model = new Set(pages);
        for (const { kind, at, count } of steps) {
          const page = all[at % all.length] ?? 0;
          const block = layout.blockOfPage(page);
          const fitting = Math.min(count, block.firstPage + block.pageCount - page);
          if (kind === 'add') {
            set.add(page);
            model.add(page);
          } else if (kind === 'delete') {
            set.delete(page);
            model.delete(page);
          } else if (kind === 'addRange') {
            set.addRange(page, fitting);
            for (let offset = 0; offset < fitting; offset++) model.add(page + offset);
          } else if (kind === 'deleteRange') {
            set.deleteRange(page, count);
            for (let offset = 0; offset < count; offset++) model.delete(page + offset);
          } else if (kind === 'clear') {
            set.clear();
            model.clear();
          } else {
            set.fill();
            for (const each of all) model.add(each);
          }
        }
        expect(contents(set)).toEqual([...model].sort((a, b) => a - b));
        expect(set.count).toBe(model.size);
      }),
    );
  });

  it.each<[string, (set: PageSet, other: PageSet) => void, (inSet: boolean, inOther: boolean) => boolean]>([
    [
      'unites with',
      (set, other) => {
        set.addAll(other);
      },
      (inSet, inOther) => inSet || inOther,
    ],
    [
      'deletes the pages of',
      (set, other) => {
        set.deleteAll(other);
      },
      (inSet, inOther) => inSet && !inOther,
    ],
    [
      'keeps only the pages of',
      (set, other) => {
        set.retainAll(other);
      },
      (inSet, inOther) => inSet && inOther,
    ],
  ])('%s another set', (_title, change, isExpected) => {
    fc.assert(
      fc.property(
        layoutsWithPages.chain(({ layout, pages }) =>
          fc.record({
            layout: fc.constant(layout),
            pages: fc.constant(pages),
            others: fc.subarray(pagesOf(layout)),
          }),
        ),
        ({ layout, pages, others }) => {
          const set = setOf(layout, pages);
          change(set, setOf(layout, others));
          expect(contents(set)).toEqual(
            pagesOf(layout).filter((page) => isExpected(pages.includes(page), others.includes(page))),
          );
          expect(set.count).toBe(contents(set).length);
        },
      ),
    );
  });

  it('finds the next and the previous page from any position', () => {
    fc.assert(
      fc.property(layoutsWithPages, fc.integer({ min: -5, max: 700 }), ({ layout, pages }, from) => {
        const set = setOf(layout, pages);
        expect(set.nextSet(from)).toBe(pages.find((page) => page >= from) ?? -1);
        expect(set.previousSet(from)).toBe(pages.findLast((page) => page <= from) ?? -1);
      }),
    );
  });

  it('measures runs upwards and downwards and finds where they end', () => {
    fc.assert(
      fc.property(
        layoutsWithPages,
        positions,
        fc.integer({ min: 0, max: 200 }),
        ({ layout, pages }, at, max) => {
          const set = setOf(layout, pages);
          const from = Math.min(at, layout.capacity - 1);
          const isMember = new Set(pages);
          let up = 0;
          while (up < max && isMember.has(from + up)) up++;
          let down = 0;
          while (down < max && isMember.has(from - down)) down++;
          expect(set.runLength(from, max)).toBe(up);
          expect(set.runLengthBack(from, max)).toBe(down);
          expect(set.nextClear(from, from + max)).toBe(from + up);
        },
      ),
    );
  });

  it('counts the pages in any range', () => {
    fc.assert(
      fc.property(layoutsWithPages, positions, positions, ({ layout, pages }, first, count) => {
        const expected = pages.filter((page) => page >= first && page < first + count).length;
        expect(setOf(layout, pages).countRange(first, count)).toBe(expected);
      }),
    );
  });

  it('visits every page once, upwards, in runs of one block and no longer than asked for', () => {
    fc.assert(
      fc.property(layoutsWithPages, fc.integer({ min: 1, max: 200 }), ({ layout, pages }, maxRun) => {
        const set = setOf(layout, pages);
        const visited: number[] = [];
        set.forEachRun((first, count) => {
          expect(count).toBeLessThanOrEqual(maxRun);
          expect(layout.blockOfPage(first)).toBe(layout.blockOfPage(first + count - 1));
          for (let offset = 0; offset < count; offset++) visited.push(first + offset);
          set.deleteRange(first, count);
        }, maxRun);
        expect(visited).toEqual(pages);
        expect(set.count).toBe(0);
      }),
    );
  });

  it('visits whole runs when no limit is given', () => {
    const layout = new PageLayout([{ name: 'ram', length: 1000 * PAGE_SIZE, pageSize: PAGE_SIZE }]);
    const set = new PageSet(layout);
    set.fill();
    set.delete(500);
    const runs: [number, number][] = [];
    set.forEachRun((first, count) => runs.push([first, count]));
    expect(runs).toEqual([
      [0, 500],
      [501, 499],
    ]);
  });

  it('grows to whole host pages and no further', () => {
    fc.assert(
      fc.property(layoutsWithPages, ({ layout, pages }) => {
        const hostPageOf = (page: number): string => {
          const { index, firstPage, pagesPerHostPage } = layout.blockOfPage(page);
          return `${index}:${Math.floor((page - firstPage) / pagesPerHostPage)}`;
        };
        const touched = new Set(pages.map(hostPageOf));
        const set = setOf(layout, pages);
        set.growToHostPages();
        expect(contents(set)).toEqual(pagesOf(layout).filter((page) => touched.has(hostPageOf(page))));
      }),
    );
  });

  it('clones into an independent set', () => {
    const layout = new PageLayout([{ name: 'ram', length: 64 * PAGE_SIZE, pageSize: PAGE_SIZE }]);
    const set = setOf(layout, [1, 40]);
    const copy = set.clone();
    set.delete(1);
    expect(contents(copy)).toEqual([1, 40]);
    expect(copy.count).toBe(2);
  });

  it('refuses pages that do not exist, those between two blocks included', () => {
    const layout = new PageLayout([
      { name: 'a', length: 10 * PAGE_SIZE, pageSize: PAGE_SIZE },
      { name: 'b', length: 10 * PAGE_SIZE, pageSize: PAGE_SIZE },
    ]);
    const set = new PageSet(layout);
    for (const page of [-1, 10, 31, 42, 1000])
      expect(() => {
        set.add(page);
      }).toThrow(RangeError);
    expect(() => {
      set.addRange(8, 3);
    }).toThrow(RangeError);
    expect(set.count).toBe(0);
    expect(set.has(-1)).toBe(false);
    expect(set.has(1000)).toBe(false);
  });

  it('refuses to mix the pages of different guests', () => {
    const small = new PageSet(new PageLayout([{ name: 'a', length: PAGE_SIZE, pageSize: PAGE_SIZE }]));
    const big = new PageSet(new PageLayout([{ name: 'a', length: 64 * PAGE_SIZE, pageSize: PAGE_SIZE }]));
    expect(() => {
      small.addAll(big);
    }).toThrow(RangeError);
  });

  it('finds the ends of what is empty or full in a guest of 1 TiB', () => {
    const layout = new PageLayout([{ name: 'ram', length: 2 ** 40, pageSize: PAGE_SIZE }]);
    const set = new PageSet(layout);
    const last = layout.pageCount - 1;
    set.add(last);
    expect(set.nextSet(0)).toBe(last);
    set.fill();
    expect(set.runLength(0, Infinity)).toBe(layout.pageCount);
    expect(set.runLengthBack(last, Infinity)).toBe(layout.pageCount);
  });
});
