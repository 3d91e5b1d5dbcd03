import { PAGE_SIZE, PageLayout, PageSet } from '@pageferry/transfer';
import { expect, test } from 'vitest';
import { StorageWait, storageWaitMs } from '../../src/storage/storage-wait.js';

test('the stop waits for storage as long as sending takes, within limits', () => {
  const bytesPerSecond = 1000 * PAGE_SIZE;
  expect(storageWaitMs(300, bytesPerSecond)).toBe(300);
  expect(storageWaitMs(10, bytesPerSecond)).toBe(100);
  expect(storageWaitMs(5000, bytesPerSecond)).toBe(1000);
  expect(storageWaitMs(5000, undefined)).toBe(1000);
});

const layout = new PageLayout([{ name: 'ram', length: 64 * PAGE_SIZE, pageSize: PAGE_SIZE }]);

/** Of these pages none is ever settled, until they are given up. */
class HangingStorage {
  readonly unsettled = new PageSet(layout);
  isOff = false;

  constructor(pages: number) {
    this.unsettled.addRange(0, pages);
  }

  progress(): Promise<void> {
    return new Promise(() => undefined);
  }

  turnOff(take: (pages: PageSet) => void): void {
    this.isOff = true;
    take(this.unsettled);
  }
}

test('pages that are late are taken back, and not before', async () => {
  const storage = new HangingStorage(20);
  const wait = new StorageWait(storage);
  const taken: number[] = [];
  const begun = performance.now();
  while (!storage.isOff) {
    await wait.moment(2 ** 30, (pages) => taken.push(pages.count), AbortSignal.timeout(10_000));
  }
  expect(performance.now() - begun).toBeGreaterThanOrEqual(100);
  expect(taken).toEqual([20]);
});

test('a cancel ends the wait', async () => {
  const reason = new Error('cancelled');
  const wait = new StorageWait(new HangingStorage(1));
  await expect(wait.moment(undefined, () => undefined, AbortSignal.abort(reason))).rejects.toThrow();
});
