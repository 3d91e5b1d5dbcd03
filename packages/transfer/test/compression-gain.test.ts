import { describe, expect, it } from 'vitest';
import { CompressionGain } from '../src/index.js';

const FRAME = 256 * 1024;
const MB = 1_000_000;

/** Sends frames over a link; answers how many of them were compressed. */
function send(gain: CompressionGain, frames: number, link: number, ratio: number, speed: number): number {
  let compressed = 0;
  for (let frame = 0; frame < frames; frame++) {
    if (!gain.shouldCompress(link)) continue;
    compressed++;
    gain.compressed(FRAME, FRAME * ratio, (FRAME / speed) * 1000);
  }
  return compressed;
}

describe('compression', () => {
  it('waits until the bandwidth is known', () => {
    expect(new CompressionGain().shouldCompress(undefined)).toBe(false);
  });

  it('is on while content shrinks and the compressor outruns the link', () => {
    const gain = new CompressionGain();
    expect(send(gain, 1000, 100 * MB, 0.3, 800 * MB)).toBe(1000);
    expect(gain.expectedRatio).toBeCloseTo(0.3);
  });

  it('stays off for content that does not shrink, and tries it ever more rarely', () => {
    const gain = new CompressionGain();
    const first = send(gain, 1000, 100 * MB, 1, 5000 * MB);
    const second = send(gain, 1000, 100 * MB, 1, 5000 * MB);
    expect(first).toBeLessThan(40);
    expect(second).toBeLessThan(first);
    expect(second).toBeGreaterThan(0);
    expect(gain.expectedRatio).toBe(1);
  });

  it('is off on a link that is about as fast as the compressor', () => {
    const gain = new CompressionGain();
    expect(send(gain, 1000, 800 * MB, 0.3, 800 * MB)).toBeLessThan(40);
  });

  it('goes off when the content changes, and comes back with it', () => {
    const gain = new CompressionGain();
    send(gain, 100, 100 * MB, 0.3, 800 * MB);
    expect(send(gain, 1000, 100 * MB, 1, 800 * MB)).toBeLessThan(60);
    expect(gain.expectedRatio).toBe(1);
    send(gain, 4000, 100 * MB, 0.3, 800 * MB);
    expect(gain.expectedRatio).toBeLessThan(1);
  });

  it('stays on when a frame had to wait for a processor', () => {
    const gain = new CompressionGain();
    send(gain, 100, 100 * MB, 0.3, 300 * MB);
    send(gain, 1, 100 * MB, 0.3, 10 * MB);
    expect(send(gain, 10, 100 * MB, 0.3, 300 * MB)).toBe(10);
    expect(send(gain, 100, 100 * MB, 0.3, 10 * MB)).toBeLessThan(20);
  });

  it('goes off when the link becomes faster than the compressor', () => {
    const gain = new CompressionGain();
    send(gain, 100, 100 * MB, 0.3, 800 * MB);
    send(gain, 100, 2000 * MB, 0.3, 800 * MB);
    expect(gain.expectedRatio).toBe(1);
  });
});
