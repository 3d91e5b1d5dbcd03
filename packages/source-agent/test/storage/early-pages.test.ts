import { expect, test } from 'vitest';
import { EarlyPages } from '../../src/storage/early-pages.js';

test('keeps what early pages had until they come, and of others nothing', () => {
  const early = new EarlyPages();
  early.named(1, 10n);
  early.isEarly = (page) => page > 4;
  early.named(4, 40n);
  early.named(5, 50n);
  expect([1, 4, 5].map((page) => early.has(page))).toEqual([false, false, true]);
  expect(early.take(5)).toBe(50n);
  expect(early.has(5)).toBe(false);
  expect(early.take(5)).toBeUndefined();
});

test('has room for so many early pages, and for all others', () => {
  const early = new EarlyPages();
  early.isEarly = (page) => page !== 3;
  expect(early.hasRoom(9, 100)).toBe(true);
  expect(early.hasRoom(9, 1_000_000)).toBe(false);
  expect(early.hasRoom(3, 1_000_000)).toBe(true);
});
