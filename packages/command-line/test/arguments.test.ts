import { describe, expect, test } from 'vitest';
import { bytes, integer, positive, rate, streamUrl } from '../src/arguments.js';

test.each([
  ['0', 0],
  ['1500', 1500],
  ['100MiB', 104_857_600],
  ['100 MiB/s', 104_857_600],
  ['1.5GB', 1_500_000_000],
  ['1Gbit', 125_000_000],
  ['8kbit/s', 1_000],
])('%s is a rate of %d bytes a second', (text, expected) => {
  expect(rate(text)).toBe(expected);
});

test.each([
  ['4096', 4096],
  ['256MiB', 2 ** 28],
  ['1.5 kB', 1500],
])('%s is a size of %d bytes', (text, expected) => {
  expect(bytes(text)).toBe(expected);
});

describe('what is refused', () => {
  test.each(['', '-1', '1Gbit', '1MiB/s', '1M', 'MiB'])('the size %j', (text) => {
    expect(() => bytes(text)).toThrow('size');
  });
  test.each(['', '-1', '1e9', '5 parsecs', 'MiB', '0x10', '1 /s/s'])('the rate %j', (text) => {
    expect(() => rate(text)).toThrow('rate');
  });
  test.each(['', '0', '1.5', 'one', '1e300'])('the whole number %j', (text) => {
    expect(() => integer(1)(text)).toThrow('from 1');
  });
  test.each(['', '0', '-1', 'NaN', 'Infinity'])('the time %j', (text) => {
    expect(() => positive(text)).toThrow('above 0');
  });
  test.each(['10.0.0.2:7411', 'http://10.0.0.2', 'ws//x', ''])('the destination %j', (text) => {
    expect(() => streamUrl(text)).toThrow('destination agent');
  });
});
