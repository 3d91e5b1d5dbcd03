import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SpareTime } from '../../src/storage/spare-time.js';

const INTERVAL_MS = 50;
const LONG_MS = 4 * INTERVAL_MS;

function beBusy(): void {
  const until = performance.now() + LONG_MS;
  while (performance.now() < until);
}

test('a thread that waits has time to spare, one that is busy has none', async () => {
  const spare = new SpareTime(INTERVAL_MS);
  expect(spare.hasSome).toBe(false);
  await sleep(LONG_MS);
  expect(spare.hasSome).toBe(true);
  beBusy();
  expect(spare.hasSome).toBe(false);
  await sleep(LONG_MS);
  expect(spare.hasSome).toBe(true);
});
