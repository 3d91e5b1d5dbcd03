import { expect, test } from 'vitest';
import { precopyWindowBytes, type PrecopyWindowOptions } from '../src/index.js';

const MB = 1_000_000;

function windowOf(more: Partial<PrecopyWindowOptions>): number {
  return precopyWindowBytes({
    remainingBytes: 0,
    bytesPerSecond: 100 * MB,
    roundTripMs: 0,
    pauseMs: 0,
    ...more,
  });
}

test('has no limit while the bandwidth is not known', () => {
  expect(windowOf({ bytesPerSecond: undefined })).toBe(Infinity);
});

test('shrinks with what remains, down to a few frames', () => {
  const windows = [1000 * MB, 100 * MB, 10 * MB, MB].map((remainingBytes) => windowOf({ remainingBytes }));
  expect(windows).toEqual([...windows].sort((a, b) => b - a));
  expect(windows[1]).toBeLessThan(50 * MB);
  expect(windows.slice(2)).toEqual([1.5 * MB, 1024 * 1024]);
});

test('keeps a long way full, and the link busy while the log is read', () => {
  expect(windowOf({ roundTripMs: 50 })).toBeGreaterThanOrEqual(5 * MB);
  expect(windowOf({ roundTripMs: 50, pauseMs: 40 })).toBeGreaterThanOrEqual(9 * MB);
});
