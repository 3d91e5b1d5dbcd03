import { describe, expect, it } from 'vitest';
import { LinkShape, SimulatedLink } from '../../src/index.js';

const MB = 1_000_000;

function link(steps: readonly [number, number][], roundTripMs = 10): SimulatedLink {
  const shape = new LinkShape(steps.map(([fromMs, bytesPerSecond]) => ({ fromMs, bytesPerSecond })));
  return new SimulatedLink({ shape, roundTripMs, windowBytes: 8 * MB });
}

describe('LinkShape', () => {
  it('has the bandwidth of the newest change', () => {
    const shape = new LinkShape([
      { fromMs: 0, bytesPerSecond: 100 * MB },
      { fromMs: 1000, bytesPerSecond: 50 * MB },
    ]);
    expect([0, 999, 1000, 5000].map((ms) => shape.at(ms) / MB)).toEqual([100, 100, 50, 50]);
    expect(shape.scaledBy(10).at(0)).toBe(10 * MB);
  });

  it('carries a part before a change and the rest after it', () => {
    const shape = new LinkShape([
      { fromMs: 0, bytesPerSecond: 100 * MB },
      { fromMs: 1000, bytesPerSecond: 50 * MB },
    ]);
    expect(shape.sentMs(200 * MB, 0)).toBe(3000);
    expect(shape.sentMs(50 * MB, 1000)).toBe(2000);
  });

  it('must be known from the beginning on, in order, and be a bandwidth', () => {
    const at = (fromMs: number, bytesPerSecond: number) => ({ fromMs, bytesPerSecond });
    for (const steps of [[], [at(1, 1)], [at(0, 1), at(0, 1)], [at(0, 1), at(2, 1), at(1, 1)], [at(0, 0)]]) {
      expect(() => new LinkShape(steps)).toThrow(RangeError);
    }
  });
});

describe('SimulatedLink', () => {
  it('carries one frame after the other, and acknowledges each a round trip later', () => {
    const one = link([[0, 100 * MB]]);
    one.send(MB, 0);
    one.send(MB, 0);
    expect(one.inFlightBytes).toBe(2 * MB);
    one.advance(19);
    expect(one.inFlightBytes).toBe(2 * MB);
    one.advance(20);
    expect(one.inFlightBytes).toBe(MB);
    expect(one.drainedMs(20)).toBe(30);
    expect(one.inFlightBytes).toBe(0);
    expect(one.sentBytes).toBe(2 * MB);
  });

  it('has room when less than the window is in flight', () => {
    const one = link([[0, 100 * MB]]);
    for (let frame = 0; frame < 8; frame++) one.send(MB, 0);
    expect(one.isFull).toBe(true);
    expect(one.roomMs(5)).toBe(20);
    expect(one.isFull).toBe(false);
    expect(one.roomMs(21)).toBe(21);
  });

  it('is estimated by what arrives, also after a change', () => {
    const one = link([
      [0, 100 * MB],
      [3000, 20 * MB],
    ]);
    const estimates = new Map<number, number>();
    for (let now = 0; now < 6000; now = one.roomMs(now)) {
      one.send(MB / 4, now);
      estimates.set(Math.floor(now / 1000), (one.bytesPerSecond ?? 0) / MB);
    }
    expect(estimates.get(2)).toBeCloseTo(100, 0);
    expect(estimates.get(5)).toBeCloseTo(20, 0);
  });
});
