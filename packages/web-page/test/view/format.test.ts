import { describe, expect, test } from 'vitest';
import {
  NOTHING,
  formatBytes,
  formatDuration,
  formatPercent,
  formatRate,
  formatTime,
  formatTimeShort,
  hostOf,
  known,
} from '../../browser/view/format.js';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.00 KiB'],
  [1.5 * 2 ** 20, '1.50 MiB'],
  [10 * 2 ** 20, '10.0 MiB'],
  [(1 << 30) - 1, '1.00 GiB'],
  [2 ** 60, '1024 PiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, '0 b/s'],
  [125, '1.00 kb/s'],
  [125_000_000, '1.00 Gb/s'],
  [3_125_000_000, '25.0 Gb/s'],
])('%d bytes a second are %s', (rate, text) => {
  expect(formatRate(rate)).toBe(text);
});

test.each([
  [0, '0 ms'],
  [0.04, '0.0 ms'],
  [61.44, '61.4 ms'],
  [99.96, '100 ms'],
  [999.4, '999 ms'],
  [999.6, '1.00 s'],
  [12_520, '12.5 s'],
  [59_960, '1 min 0 s'],
  [3_599_600, '1 h 0 min'],
  [90 * 60_000, '1 h 30 min'],
  [86_400_000 - 1, '1 d 0 h'],
])('%d ms are %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [0, '0 %'],
  [0.001, '< 1 %'],
  [0.999, '99 %'],
  [1, '100 %'],
])('nothing and all are shown only where it is so: %d is %s', (part, text) => {
  expect(formatPercent(part)).toBe(text);
});

describe('a time', () => {
  const at = new Date(2026, 0, 2, 9, 5, 7).getTime();

  test('has its day', () => {
    expect(formatTime(at)).toBe('2026-01-02 09:05:07');
  });

  test('has no day in short if it was today, and no seconds if it was not', () => {
    expect(formatTimeShort(at, at + 3_600_000)).toBe('09:05:07');
    expect(formatTimeShort(at, at + 86_400_000)).toBe('2026-01-02 09:05');
  });
});

test('what is not known is not shown as nothing', () => {
  expect(known(undefined, formatBytes)).toBe(NOTHING);
  expect(known(0, formatBytes)).toBe('0 B');
});

test('of a destination the host is shown', () => {
  expect(hostOf('wss://host2.example:7411/')).toBe('host2.example:7411');
});
