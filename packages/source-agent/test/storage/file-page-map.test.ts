import type { FilePages } from '@pageferry/introspect';
import { PAGE_SIZE, PageLayout, PageSet } from '@pageferry/transfer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { filePageMap } from '../../src/storage/file-page-map.js';

const PAGES = 256;
const layout = new PageLayout([{ name: 'ram', length: PAGES * PAGE_SIZE, pageSize: PAGE_SIZE }]);
/** The guest sees the upper half of the RAM block behind a hole, and before it the lower half. */
const pieces = [
  { place: 0, page: 128, count: 128 },
  { place: 128, page: 0, count: 128 },
];
const disks = [
  { name: 'vda', bytes: 2 ** 40 },
  { name: 'vdb', bytes: 2 ** 40 },
];
const noneUnmapped: FilePages['unmapped'] = { filesystem: 0, encoding: 0, noExtent: 0, device: 0, inode: 0 };

const entry = fc.record({
  place: fc.nat({ max: PAGES - 1 }),
  disk: fc.nat({ max: 1 }),
  sector: fc.nat({ max: 2 ** 31 - 9 }),
  wanted: fc.boolean(),
});

test('of the wanted pages, each is there with its place on its disk, in the order of the disk', () => {
  fc.assert(
    fc.property(fc.uniqueArray(entry, { selector: ({ place }) => place }), (entries) => {
      const sorted = [...entries].sort((one, other) => one.place - other.place);
      const wanted = new PageSet(layout);
      const pageAt = (place: number): number => (place < 128 ? place + 128 : place - 128);
      for (const { place, wanted: isWanted } of sorted) if (isWanted) wanted.add(pageAt(place));
      const map = filePageMap(
        {
          kind: 'mapped',
          disks,
          places: Uint32Array.from(sorted, ({ place }) => place),
          disk: Uint8Array.from(sorted, ({ disk }) => disk),
          offset: Float64Array.from(sorted, ({ sector }) => sector * 512),
          unmapped: noneUnmapped,
        },
        { pages: pieces },
        layout,
        wanted,
      );
      const found = map.disks.flatMap(({ disk, pages, offsets }) =>
        [...pages].map((page, index) => ({ disk: disk.name, page, offset: offsets[index] })),
      );
      const expected = sorted
        .filter(({ wanted: isWanted }) => isWanted)
        .map(({ place, disk, sector }) => ({
          disk: disks[disk]?.name,
          page: pageAt(place),
          offset: sector * 512,
        }));
      const byPage = (one: { page: number }, other: { page: number }): number => one.page - other.page;
      expect([...found].sort(byPage)).toEqual([...expected].sort(byPage));
      expect(map.pages.count).toBe(expected.length);
      for (const { offsets } of map.disks)
        expect([...offsets]).toEqual([...offsets].sort((one, other) => one - other));
    }),
  );
});
