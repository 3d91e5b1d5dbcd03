import { PAGE_SIZE } from '@pageferry/transfer';
import { expect, test } from 'vitest';
import { storageWaitMs } from '../../src/storage/storage-wait.js';

test('the stop waits for storage as long as sending takes, within limits', () => {
  const bytesPerSecond = 1000 * PAGE_SIZE;
  expect(storageWaitMs(300, bytesPerSecond)).toBe(300);
  expect(storageWaitMs(10, bytesPerSecond)).toBe(100);
  expect(storageWaitMs(5000, bytesPerSecond)).toBe(1000);
  expect(storageWaitMs(5000, undefined)).toBe(1000);
});
