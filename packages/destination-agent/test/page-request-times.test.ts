import { PageferryError } from '@pageferry/errors';
import { PAGE_SIZE, PageLayout, PageSet } from '@pageferry/transfer';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PageRequestTimes } from '../src/page-request-times.js';

const layout = new PageLayout([{ name: 'ram', length: 1024 * PAGE_SIZE, pageSize: PAGE_SIZE }]);

let now: number;
let missing: PageSet;
let waited: number[];
let times: PageRequestTimes;

beforeEach(() => {
  now = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  missing = new PageSet(layout);
  missing.fill();
  waited = [];
  times = new PageRequestTimes(
    () => missing,
    (seconds) => waited.push(seconds),
  );
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function write(first: number, count: number, takesMs = 0): Promise<void> {
  missing.deleteRange(first, count);
  const { promise, resolve } = writing();
  times.follow(promise);
  now += takesMs;
  resolve();
  await promise;
}

function writing(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}

test('a request lasts until its page has been written', async () => {
  times.begin(3, 1);
  now += 20;
  await write(4, 1);
  expect(waited).toEqual([]);
  await write(0, 8, 5);
  expect(waited).toEqual([0.025]);
  await write(8, 8);
  expect(waited).toHaveLength(1);
});

test('a request of many pages lasts until the last of them', async () => {
  await write(512, 100);
  times.begin(512, 512);
  now += 10;
  await write(612, 411);
  expect(waited).toEqual([]);
  now += 10;
  await write(1023, 1);
  expect(waited).toEqual([0.02]);
});

test('a request that is repeated is measured once, from the first time on', async () => {
  times.begin(3, 1);
  now += 1000;
  times.begin(3, 1);
  now += 500;
  await write(3, 1);
  expect(waited).toEqual([1.5]);
});

test('a request for what is on its way already is not measured', async () => {
  await write(3, 1);
  times.begin(3, 1);
  await write(4, 1);
  expect(waited).toEqual([]);
});

test('a page that could not be written is not measured, and nothing fails unnoticed', async () => {
  times.begin(3, 1);
  missing.delete(3);
  const written = Promise.reject(new PageferryError('incoming-failed', 'QEMU is gone'));
  times.follow(written);
  await expect(written).rejects.toThrow('QEMU is gone');
  expect(waited).toEqual([]);
});

test('of very many requests at once only some are measured', async () => {
  for (let page = 0; page < layout.pageCount; page++) times.begin(page, 1);
  await write(0, layout.pageCount);
  expect(waited).toHaveLength(256);
});
