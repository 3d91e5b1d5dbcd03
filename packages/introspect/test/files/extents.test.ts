import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Extents, notFound, scattered } from '../../src/files/extents.js';

const gapLengthBlock = fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 9 }), fc.nat(1000));

test.each([512, 1024, 2048, 4096, 8192, 65_536])(
  'finds a page where its blocks of %i bytes are, if they are next to each other',
  (blockBytes) => {
    fc.assert(
      fc.property(fc.array(gapLengthBlock, { maxLength: 80 }), (pieces) => {
        const extents = new Extents();
        const blocks: (number | undefined)[] = [];
        for (const [gap, length, block] of pieces) {
          for (let skipped = 0; skipped < gap; skipped++) blocks.push(undefined);
          expect(extents.add(blocks.length, length, block)).toBe(true);
          for (let next = 0; next < length; next++) blocks.push(block + next);
        }
        const pages = Math.ceil((blocks.length * blockBytes) / 4096) + 1;
        for (let page = 0; page < Math.min(pages, 200); page++) {
          const first = Math.floor((page * 4096) / blockBytes);
          const count = Math.max(1, 4096 / blockBytes);
          const wanted = Array.from({ length: count }, (_, next) => blocks[first + next]);
          const [start] = wanted;
          const inOnePiece = wanted.every((block, next) => start !== undefined && block === start + next);
          const place = (start ?? 0) * blockBytes + ((page * 4096) % blockBytes);
          const expected = start === undefined ? notFound : inOnePiece ? place : scattered;
          expect(extents.locate(page, blockBytes)).toBe(expected);
        }
      }),
      { numRuns: 50 },
    );
  },
);

test('takes extents in ascending order only', () => {
  const extents = new Extents();
  expect([extents.add(4, 4, 1), extents.add(7, 4, 1), extents.add(8, 0, 1), extents.add(8, 1, 1)]).toEqual([
    ...[true, false, false, true],
  ]);
  expect(extents.add(NaN, 1, 1)).toBe(false);
});
