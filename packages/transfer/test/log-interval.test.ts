import { expect, test } from 'vitest';
import { logIntervalMs, logIntervals } from '../src/index.js';

const { shortest, longest } = logIntervals;
const MB = 1_000_000;

test('is long while much remains, or the link is not known', () => {
  expect(logIntervalMs(1000 * MB, 100 * MB, 1)).toBe(longest);
  expect(logIntervalMs(0, undefined, 1)).toBe(longest);
});

test('becomes shorter with what remains, down to a limit', () => {
  const intervals = [200 * MB, 100 * MB, 50 * MB, 10 * MB, 0].map((bytes) =>
    logIntervalMs(bytes, 100 * MB, 1),
  );
  expect(intervals).toEqual([...intervals].sort((a, b) => b - a));
  expect(new Set(intervals.slice(0, 4)).size).toBe(4);
  expect(intervals.at(-1)).toBe(shortest);
});

test('is no shorter than the look at the log takes', () => {
  expect(logIntervalMs(0, 100 * MB, 80)).toBe(80);
  expect(logIntervalMs(1000 * MB, 100 * MB, 400)).toBe(400);
});
