import fc from 'fast-check';
import { PAGE_SIZE, PageLayout, PageSet } from '../../src/index.js';

const HOST_PAGE_SIZES = [PAGE_SIZE, 4 * PAGE_SIZE, 16 * PAGE_SIZE];

/** Layouts of a few small blocks, with host pages small enough that a block has several. */
export const layouts = fc
  .array(
    fc.record({ pages: fc.integer({ min: 0, max: 150 }), pageSize: fc.constantFrom(...HOST_PAGE_SIZES) }),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .filter((blocks) => blocks.some(({ pages }) => pages > 0))
  .map(
    (blocks) =>
      new PageLayout(
        blocks.map(({ pages, pageSize }, index) => ({
          name: `ram${index}`,
          length: pages * PAGE_SIZE,
          pageSize,
        })),
      ),
  );

/** Indices of all pages that exist, ascending. */
export function pagesOf(layout: PageLayout): number[] {
  return layout.blocks.flatMap(({ firstPage, pageCount }) =>
    Array.from({ length: pageCount }, (_, offset) => firstPage + offset),
  );
}

/** What the set holds, found page by page. */
export function contents(set: PageSet): number[] {
  return pagesOf(set.layout).filter((page) => set.has(page));
}

/** A layout with some of its pages. */
export const layoutsWithPages = layouts.chain((layout) =>
  fc.record({ layout: fc.constant(layout), pages: fc.subarray(pagesOf(layout)) }),
);

export function setOf(layout: PageLayout, pages: Iterable<number>): PageSet {
  const set = new PageSet(layout);
  for (const page of pages) set.add(page);
  return set;
}
