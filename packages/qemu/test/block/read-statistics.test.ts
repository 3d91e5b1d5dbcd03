import { expect, test } from 'vitest';
import { ReadStatistics } from '../../src/block/read-statistics.js';

test('adds up reads, and the time in which there is any', () => {
  const statistics = new ReadStatistics();
  statistics.begun(100);
  statistics.begun(105);
  expect(statistics.standing(110)).toMatchObject({ reads: 0, busyMs: 10 });
  statistics.ended(105, 4096, 120);
  statistics.ended(100, 0, 130);
  expect(statistics.standing(1000)).toEqual({
    blocks: 0,
    failedBlocks: 0,
    reads: 2,
    bytes: 4096,
    busyMs: 30,
    latencyMs: 45,
    slowestMs: 30,
  });
  statistics.begun(1000);
  expect(statistics.standing(1001).busyMs).toBe(31);
});
