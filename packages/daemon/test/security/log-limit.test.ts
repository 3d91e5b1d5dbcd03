import { expect, it } from 'vitest';
import { LogLimit } from '../../src/index.js';

it('lets so many lines through in a window, and counts the others', () => {
  const limit = new LogLimit(2, 1000);
  expect([0, 1, 2, 999].map((nowMs) => limit.next(nowMs)?.skipped)).toEqual([0, 0, undefined, undefined]);
  expect(limit.next(1000)).toEqual({ skipped: 2 });
  expect(limit.next(1001)).toEqual({ skipped: 0 });
  expect(limit.next(1002)).toBeUndefined();
});
