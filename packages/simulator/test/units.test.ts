import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatDuration,
  formatRate,
  parseBandwidth,
  parseBytes,
  parseDuration,
} from '../src/index.js';

describe('units', () => {
  it('are binary with an i, and decimal without', () => {
    expect(parseBytes('1TiB')).toBe(2 ** 40);
    expect(parseBytes('1.5 GiB')).toBe(1.5 * 2 ** 30);
    expect(parseBytes('512MB')).toBe(512_000_000);
    expect(parseBytes('100B')).toBe(100);
  });

  it('are bits a second with a small b, and bytes with a large one', () => {
    expect(parseBandwidth('100Gb')).toBe(12_500_000_000);
    expect(parseBandwidth('1Gbit/s')).toBe(125_000_000);
    expect(parseBandwidth('100Mbps')).toBe(12_500_000);
    expect(parseBandwidth('4GB')).toBe(4_000_000_000);
    expect(parseBandwidth('4GB/s')).toBe(4_000_000_000);
  });

  it('are ms unless said otherwise', () => {
    expect(['300', '300ms', '2s', '1.5min', '1h'].map(parseDuration)).toEqual([
      300, 300, 2000, 90_000, 3_600_000,
    ]);
  });

  it('are wanted, and nothing else', () => {
    for (const text of ['', 'GiB', '1', '-1GiB', '0GiB', '1PiB', '1GiBs', '1e3MB', 'NaNMB']) {
      expect(parseBytes(text)).toBeUndefined();
      expect(parseBandwidth(text)).toBeUndefined();
    }
    for (const text of ['', 's', '-1s', '1d', '1 2']) expect(parseDuration(text)).toBeUndefined();
  });

  it('are written with three digits', () => {
    expect(formatBytes(1.5 * 2 ** 30)).toBe('1.5 GiB');
    expect(formatRate(12_345_678)).toBe('12.3 MB/s');
    expect([12.4, 12_400, 1_240_000].map(formatDuration)).toEqual(['12 ms', '12.4 s', '20.7 min']);
  });
});
