import { PageferryError } from '@pageferry/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SHIFT, PAGE_SIZE, PageLayout } from '../src/index.js';
import { layouts, pagesOf } from './support/arbitrary.js';

const GIB = 2 ** 30;
const TIB = 2 ** 40;

describe('PageLayout', () => {
  it('lays blocks one after the other, each at the start of a bitmap word', () => {
    const layout = new PageLayout([
      { name: 'pc.ram', length: 512 * 2 ** 20, pageSize: PAGE_SIZE },
      { name: 'pc.bios', length: 3 * PAGE_SIZE, pageSize: PAGE_SIZE },
      { name: 'vga.vram', length: 16 * 2 ** 20, pageSize: PAGE_SIZE },
    ]);
    expect(layout.blocks.map(({ firstPage }) => firstPage)).toEqual([0, 131_104, 131_136]);
    expect(layout.blocks.map(({ pageCount }) => pageCount)).toEqual([131_072, 3, 4096]);
    expect(layout.pageCount).toBe(131_072 + 3 + 4096);
    expect(layout.bytes).toBe(layout.pageCount * PAGE_SIZE);
    expect(2 ** PAGE_SHIFT).toBe(PAGE_SIZE);
  });

  it('leaves at least one index between two blocks', () => {
    fc.assert(
      fc.property(layouts, ({ blocks, capacity }) => {
        for (const [index, block] of blocks.entries()) {
          expect(block.firstPage % 32).toBe(0);
          const next = blocks[index + 1]?.firstPage ?? capacity;
          expect(next).toBeGreaterThan(block.firstPage + block.pageCount);
        }
        expect(capacity % 32).toBe(0);
      }),
    );
  });

  it('finds the block of every page and none for the indices in between', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const real = new Set(pagesOf(layout));
        for (let page = 0; page < layout.capacity; page++) {
          expect(layout.holds(page)).toBe(real.has(page));
          if (!real.has(page)) expect(() => layout.blockOfPage(page)).toThrow(RangeError);
          else {
            const block = layout.blockOfPage(page);
            expect(layout.pageIndex(block, layout.address(block, page))).toBe(page);
          }
        }
      }),
    );
  });

  it('keeps addresses exact in a guest of 1 TiB', () => {
    const layout = new PageLayout([{ name: 'ram', length: TIB, pageSize: GIB }]);
    const block = layout.blockOfPage(2 ** 28 - 1);
    expect(block.pagesPerHostPage).toBe(262_144);
    expect(layout.address(block, 2 ** 28 - 1)).toBe(TIB - PAGE_SIZE);
    expect(layout.pageIndex(block, TIB - PAGE_SIZE)).toBe(2 ** 28 - 1);
    expect(layout.holds(2 ** 28)).toBe(false);
  });

  it('finds blocks by name', () => {
    const layout = new PageLayout([{ name: 'pc.ram', length: PAGE_SIZE, pageSize: PAGE_SIZE }]);
    expect(layout.blockNamed('pc.ram')).toBe(layout.blocks[0]);
    expect(layout.blockNamed('pc.rom')).toBeUndefined();
  });

  it('has no pages without blocks', () => {
    const layout = new PageLayout([]);
    expect(layout).toMatchObject({ capacity: 0, pageCount: 0, bytes: 0 });
    expect(layout.holds(0)).toBe(false);
  });

  it.each([-PAGE_SIZE, 1, 2 * PAGE_SIZE, NaN, Infinity])(
    'refuses address %d of a block of two pages',
    (address) => {
      const layout = new PageLayout([{ name: 'ram', length: 2 * PAGE_SIZE, pageSize: PAGE_SIZE }]);
      const block = layout.blockOfPage(0);
      expect(() => layout.pageIndex(block, address)).toThrow(RangeError);
    },
  );

  it.each([-1, 0.5, NaN, Infinity])('has no page with index %d', (page) => {
    const layout = new PageLayout([{ name: 'ram', length: 2 * PAGE_SIZE, pageSize: PAGE_SIZE }]);
    expect(layout.holds(page)).toBe(false);
  });

  it('names everything that is wrong with the blocks', () => {
    const shapes = [
      { name: 'a', length: 4097, pageSize: PAGE_SIZE },
      { name: 'b', length: PAGE_SIZE, pageSize: 3 * PAGE_SIZE },
      { name: 'b', length: PAGE_SIZE, pageSize: PAGE_SIZE },
    ];
    const attempt = (): PageLayout => new PageLayout(shapes);
    expect(attempt).toThrow(PageferryError);
    expect(attempt).toThrow(
      expect.objectContaining({
        code: 'qemu-unexpected',
        findings: [
          'RAM block a has 4097 bytes, not a multiple of 4096',
          'RAM block b has host pages of 12288 bytes, not a power of two from 4096 up',
          'RAM block b appears more than once',
        ],
      }),
    );
  });
});
