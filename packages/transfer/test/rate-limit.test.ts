import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateLimit } from '../src/index.js';

const MB = 1_000_000;

interface Sent {
  readonly ms: number;
  readonly bytes: number;
}

/** Sends frames as early as the limit allows; `frame` says how long the next one is. */
function sendFrames(limit: RateLimit, forMs: number, frame: (nowMs: number) => number): Sent[] {
  const sent: Sent[] = [];
  for (let now = 0; now < forMs;) {
    const waitMs = limit.waitMs(now);
    if (waitMs > 0) {
      now += waitMs;
      continue;
    }
    const bytes = frame(now);
    limit.sent(bytes, now);
    sent.push({ ms: now, bytes });
  }
  return sent;
}

/** Most bytes that were sent within any second. */
function busiestSecond(sent: readonly Sent[]): number {
  let most = 0;
  let sum = 0;
  let oldest = 0;
  for (const { ms, bytes } of sent) {
    sum += bytes;
    for (let first = sent[oldest]; first !== undefined && first.ms <= ms - 1000; first = sent[++oldest]) {
      sum -= first.bytes;
    }
    most = Math.max(most, sum);
  }
  return most;
}

describe('RateLimit', () => {
  it('is none when it is 0', () => {
    const limit = new RateLimit(0);
    limit.sent(1000 * MB, 0);
    expect(limit.waitMs(0)).toBe(0);
    expect(limit.longestFrameBytes).toBe(Infinity);
  });

  it('is kept within 5% over any second, from 1 MB/s up, with frames of the length that it allows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: MB, max: 50 * MB }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }),
        (bytesPerSecond, lengths) => {
          const limit = new RateLimit(bytesPerSecond);
          const longest = Math.min(limit.longestFrameBytes, 256 * 1024);
          let next = 0;
          const sent = sendFrames(limit, 3000, () => {
            const share = lengths[next++ % lengths.length] ?? 1;
            return Math.max(longest * share, 4096);
          });
          expect(busiestSecond(sent)).toBeLessThanOrEqual(bytesPerSecond * 1.05);
        },
      ),
    );
  });

  it('allows frames of 256 KiB only from 8.8 MB/s up: below, one is more than 3% of a second', () => {
    expect(new RateLimit(8.8 * MB).longestFrameBytes).toBeGreaterThan(256 * 1024);
    expect(new RateLimit(8.7 * MB).longestFrameBytes).toBeLessThan(256 * 1024);
    const overdrawn = sendFrames(new RateLimit(1.2 * MB), 3000, () => 256 * 1024);
    expect(busiestSecond(overdrawn)).toBeGreaterThan(1.2 * MB * 1.05);
  });

  it('is used up by a sender that always has more', () => {
    for (const bytesPerSecond of [MB, 10 * MB, 1000 * MB]) {
      const limit = new RateLimit(bytesPerSecond);
      const length = Math.min(limit.longestFrameBytes, 256 * 1024);
      const bytes = sendFrames(limit, 10_000, () => length).reduce((sum, frame) => sum + frame.bytes, 0);
      expect(bytes / 10).toBeGreaterThan(bytesPerSecond * 0.99);
      expect(bytes / 10).toBeLessThan(bytesPerSecond * 1.01);
    }
  });

  it('does not save up for more than a moment what was not used in a pause', () => {
    const limit = new RateLimit(10 * MB);
    limit.waitMs(60_000);
    limit.sent(0.1 * MB, 60_000);
    expect(limit.waitMs(60_000)).toBeGreaterThan(0);
  });

  it('holds from the moment on in which it is changed', () => {
    const limit = new RateLimit(100 * MB);
    const before = sendFrames(limit, 2000, () => 30_000);
    limit.change(MB, 2000);
    const after: Sent[] = [];
    for (let now = 2000; now < 5000;) {
      const waitMs = limit.waitMs(now);
      now += waitMs;
      if (waitMs > 0) continue;
      limit.sent(30_000, now);
      after.push({ ms: now, bytes: 30_000 });
    }
    expect(busiestSecond(before)).toBeGreaterThan(99 * MB);
    expect(busiestSecond(after)).toBeLessThanOrEqual(MB * 1.05);
    limit.change(0, 5000);
    expect(limit.waitMs(5000)).toBe(0);
  });

  it('waits no longer than the overdraft takes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: MB, max: 1000 * MB }),
        fc.integer({ min: 1, max: MB }),
        (limit, bytes) => {
          const bucket = new RateLimit(limit);
          bucket.waitMs(1000);
          bucket.sent(bytes, 1000);
          expect(bucket.waitMs(1000)).toBeLessThanOrEqual(((bytes + 1) / limit) * 1000);
        },
      ),
    );
  });

  it('is not confused by a clock that goes back', () => {
    const limit = new RateLimit(MB);
    limit.sent(MB, 1000);
    const waitMs = limit.waitMs(1000);
    expect(limit.waitMs(500)).toBe(waitMs);
  });
});
