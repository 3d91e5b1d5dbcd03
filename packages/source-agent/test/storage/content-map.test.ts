import { PAGE_SIZE, PageLayout, PageSet } from '@pageferry/transfer';
import { beforeEach, expect, test } from 'vitest';
import { ContentMap } from '../../src/storage/content-map.js';

const PAGES = 1024;
const layout = new PageLayout([{ name: 'ram', length: PAGES * PAGE_SIZE, pageSize: PAGE_SIZE }]);
const { signal } = new AbortController();
const vda = { name: 'vda', bytes: 2 ** 30 };
const vdb = { name: 'vdb', bytes: 2 ** 31 };

/** What the pages have: one byte, over and over. */
let memory: Uint8Array;
let present: Uint8Array;
let map: ContentMap;

beforeEach(() => {
  memory = new Uint8Array(PAGES);
  present = new Uint8Array(PAGES).fill(1);
  map = new ContentMap({
    layout,
    memory: {
      readPresence: (_block, address, count, target) => {
        target.set(present.subarray(address / PAGE_SIZE, address / PAGE_SIZE + count));
      },
      readSync: (_block, address, target, offset, length) => {
        for (let done = 0; done < length; done += PAGE_SIZE) {
          const page = (address + done) / PAGE_SIZE;
          if (present[page] === 0) throw new Error(`the page ${page} would be made by reading it`);
          target.fill(memory[page] ?? 0, offset + done, offset + done + PAGE_SIZE);
        }
      },
    },
    hash: (bytes) => bytes[0] ?? 0,
  });
});

async function addPages(pages: readonly number[]): Promise<void> {
  const set = new PageSet(layout);
  for (const page of pages) set.add(page);
  await map.addPages(set, signal);
}

const block = (content: number): Buffer => Buffer.alloc(PAGE_SIZE + 100, content);

function placesOf({ disks }: { disks: ContentMap['map']['disks'] }): unknown {
  return disks.map(({ disk, pages, offsets }) => [disk.name, [...pages], [...offsets]]);
}

test('finds each page where its content was seen first', async () => {
  memory.set([7, 8, 9, 8], 10);
  await addPages([10, 11, 12, 13]);
  map.addBlock(vda, 4096, block(9), 100);
  map.addBlock(vdb, 8192, block(9), 0);
  map.addBlock(vdb, 512, block(8), 0);
  expect(map.unfoundPages).toBe(1);
  expect(placesOf(map.map)).toEqual([
    ['vda', [12], [4096]],
    ['vdb', [13, 11], [512, 512]],
  ]);
  expect([10, 11, 12, 13].filter((page) => map.map.pages.has(page))).toEqual([11, 12, 13]);
});

test('leaves out zeroes, pages that were never touched, and others than those asked for', async () => {
  memory.fill(5, 0, 600);
  present.fill(0, 100, 300);
  await addPages(Array.from({ length: 700 }, (_, page) => page).filter((page) => page !== 50));
  expect(map.unfoundPages).toBe(600 - 200 - 1);
  map.addBlock(vda, 0, block(0), 0);
  expect(map.map.disks).toEqual([]);
  map.addBlock(vda, 4096, block(5), 0);
  const { pages } = map.map;
  expect([pages.count, pages.has(50), pages.has(100), pages.has(650)]).toEqual([399, false, false, false]);
});

test('forgets what the guest writes to, before it is found and afterwards', async () => {
  memory.set([1, 2, 3], 0);
  await addPages([0, 1, 2]);
  const written = new PageSet(layout);
  written.add(0);
  map.written(written);
  for (const content of [1, 2, 3]) map.addBlock(vda, content * 4096, block(content), 0);
  written.clear();
  written.add(2);
  map.written(written);
  expect([0, 1, 2].filter((page) => map.map.pages.has(page))).toEqual([1]);
});

test('keeps any number of places', async () => {
  memory.fill(200);
  await addPages(Array.from({ length: PAGES }, (_, page) => page));
  map.addBlock(vda, 1536, block(200), 0);
  const [found] = map.map.disks;
  expect(found?.pages.length).toBe(PAGES);
  expect(new Set(found?.pages).size).toBe(PAGES);
  expect(map.unfoundPages).toBe(0);
});
