import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PageContents } from '../../src/storage/page-contents.js';

const CAPACITY = 256;

/** Few hashes and few lists: many pages share both. */
const hashes = fc.array(
  fc.oneof(
    fc.nat({ max: 7 }),
    fc.nat({ max: 0xffffffff }).map((hash) => hash & 0xff000003),
  ),
  {
    maxLength: CAPACITY,
  },
);

test('finds all pages with a hash, once', () => {
  fc.assert(
    fc.property(hashes, fc.array(fc.nat({ max: 7 }), { maxLength: 20 }), (added, taken) => {
      const contents = new PageContents({ capacity: CAPACITY });
      added.forEach((hash, page) => {
        contents.add(page, hash);
      });
      const left = new Map(added.map((hash, page) => [page, hash >>> 0]));
      for (const hash of [...taken, ...added]) {
        const found: number[] = [];
        contents.take(hash, (page) => {
          found.push(page);
        });
        const expected = [...left].filter(([, other]) => other === hash >>> 0).map(([page]) => page);
        expect(found.sort((one, other) => one - other)).toEqual(expected);
        for (const page of expected) left.delete(page);
        expect(contents.count).toBe(left.size);
      }
      expect(contents.count).toBe(0);
    }),
  );
});
