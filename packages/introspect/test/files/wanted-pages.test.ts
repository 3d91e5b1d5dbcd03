import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WantedPages } from '../../src/files/wanted-pages.js';

test('says whether one of the pages has a part in a row of blocks', () => {
  const indexes = fc.uint8Array({ minLength: 1, maxLength: 40 });
  const blockBytes = fc.constantFrom(512, 1024, 4096, 16_384);
  const wanted = new WantedPages(40);
  fc.assert(
    fc.property(
      indexes,
      blockBytes,
      fc.nat(600),
      fc.integer({ min: 1, max: 40 }),
      (pages, bytes, start, length) => {
        wanted.reset(Uint32Array.from(pages), Uint32Array.from(pages.keys()), pages.length, bytes);
        const [from, to] = [start * bytes, (start + length) * bytes];
        const expected = pages.some((page) => page * 4096 < to && (page + 1) * 4096 > from);
        expect(wanted.anyIn(start, start + length)).toBe(expected);
      },
    ),
  );
});

test('has only those of the last time', () => {
  const wanted = new WantedPages(3);
  wanted.reset(Uint32Array.of(1, 2, 3), Uint32Array.of(0, 1, 2), 3, 4096);
  wanted.reset(Uint32Array.of(1, 2, 3), Uint32Array.of(1, 2), 1, 4096);
  expect([1, 2, 3].map((block) => wanted.anyIn(block, block + 1))).toEqual([false, true, false]);
});
