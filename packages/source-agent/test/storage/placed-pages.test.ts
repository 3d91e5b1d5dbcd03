import { PAGE_SIZE, PageLayout } from '@pageferry/transfer';
import { MAX_BLOCK_RECORDS } from '@pageferry/wire';
import { expect, test } from 'vitest';
import { PlacedPages } from '../../src/storage/placed-pages.js';

const layout = new PageLayout([
  { name: 'ram', length: 1024 * PAGE_SIZE, pageSize: PAGE_SIZE },
  { name: 'more', length: 4 * PAGE_SIZE, pageSize: PAGE_SIZE },
]);

test('has room for pages of one RAM block, as many as a frame names', () => {
  const placed = new PlacedPages(layout);
  const other = layout.blocks[1]?.firstPage ?? 0;
  expect(placed.hasRoomFor(other)).toBe(true);
  placed.add(7, 512);
  expect(placed.hasRoomFor(8)).toBe(true);
  expect(placed.hasRoomFor(other)).toBe(false);
  while (placed.count < MAX_BLOCK_RECORDS) placed.add(placed.count, 0);
  expect(placed.hasRoomFor(9)).toBe(false);
  expect([placed.pages[0], placed.offsets[0]]).toEqual([7, 512]);
});
