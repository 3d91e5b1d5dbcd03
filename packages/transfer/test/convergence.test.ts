import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Convergence, expectedDowntimeMs, type ConvergenceDecision } from '../src/index.js';

const MB = 1_000_000;
const LIMITS = { bytesPerSecond: 100 * MB, downtimeLimitMs: 300, overheadMs: 50 };

/** Decisions over a sequence of remaining bytes, until the first that is not to iterate. */
function decide(remaining: readonly number[]): ConvergenceDecision[] {
  const convergence = new Convergence();
  const decisions: ConvergenceDecision[] = [];
  for (const remainingBytes of remaining) {
    const decision = convergence.next({ ...LIMITS, remainingBytes });
    decisions.push(decision);
    if (decision !== 'iterate') break;
  }
  return decisions;
}

/**
 * Plain pre-copy of a guest that rewrites a working set evenly: within a time t it dirties of its hot bytes
 * the fraction 1 - e^(-rate t / hot).
 */
function simulate(guest: { ram: number; hot: number; writesPerSecond: number }): {
  outcome: ConvergenceDecision;
  iterations: number;
  remainingBytes: number;
} {
  const convergence = new Convergence();
  let remainingBytes = guest.ram;
  let dirtied: { bytes: number; durationMs: number } | undefined;
  for (let iterations = 0; ; iterations++) {
    const outcome = convergence.next({ ...LIMITS, remainingBytes, dirtied });
    if (outcome !== 'iterate') return { outcome, iterations, remainingBytes };
    const seconds = remainingBytes / LIMITS.bytesPerSecond;
    const bytes =
      guest.hot === 0 ? 0 : guest.hot * (1 - Math.exp((-guest.writesPerSecond * seconds) / guest.hot));
    dirtied = { bytes, durationMs: seconds * 1000 };
    remainingBytes = bytes;
  }
}

describe('Convergence', () => {
  it('iterates while less remains each time and switches over once that fits the limit', () => {
    expect(decide([1000 * MB, 500 * MB, 100 * MB, 25 * MB])).toEqual([
      'iterate',
      'iterate',
      'iterate',
      'switch-over',
    ]);
  });

  it('counts the fixed overhead as downtime', () => {
    expect(decide([25 * MB + 1])).toEqual(['iterate']);
    expect(decide([25 * MB])).toEqual(['switch-over']);
  });

  it('switches over with nothing left, even with an unknown bandwidth or a limit below the overhead', () => {
    const start = { remainingBytes: 0, bytesPerSecond: undefined, downtimeLimitMs: 10, overheadMs: 50 };
    expect(new Convergence().next(start)).toBe('switch-over');
  });

  it('iterates while the bandwidth is not known', () => {
    const start = { remainingBytes: 1, bytesPerSecond: undefined, downtimeLimitMs: 300, overheadMs: 50 };
    expect(new Convergence().next(start)).toBe('iterate');
  });

  it('has stalled after three iterations without progress', () => {
    expect(decide([1000, 400, 400, 400, 400].map((mb) => mb * MB))).toEqual([
      'iterate',
      'iterate',
      'iterate',
      'iterate',
      'stalled',
    ]);
  });

  it('has stalled when the minima improve by less than a tenth in three iterations', () => {
    expect(decide([1000, 400, 390, 380, 370].map((mb) => mb * MB)).at(-1)).toBe('stalled');
  });

  it('goes on while small improvements add up to a tenth in time', () => {
    const remaining = Array.from({ length: 60 }, (_, iteration) => 1000 * MB * 0.95 ** iteration);
    expect(decide(remaining)).not.toContain('stalled');
  });

  it('does not take the rise between two minima for a stall', () => {
    expect(decide([1000, 400, 700, 650, 300, 500, 450, 200].map((mb) => mb * MB))).not.toContain('stalled');
  });

  it('has stalled once the guest rewrites about as fast as the link carries', () => {
    const convergence = new Convergence();
    convergence.next({ ...LIMITS, remainingBytes: 1000 * MB });
    const dirtied = { bytes: 200 * MB, durationMs: 2000 };
    expect(convergence.next({ ...LIMITS, remainingBytes: 200 * MB, dirtied })).toBe('stalled');
    expect(
      new Convergence().next({
        ...LIMITS,
        remainingBytes: 170 * MB,
        dirtied: { ...dirtied, bytes: 170 * MB },
      }),
    ).toBe('iterate');
  });

  it('prefers the switch-over to a stall', () => {
    const convergence = new Convergence();
    const start = { ...LIMITS, remainingBytes: 30 * MB };
    for (let iteration = 0; iteration < 5; iteration++) convergence.next(start);
    expect(convergence.next(start)).toBe('stalled');
    expect(convergence.next({ ...start, downtimeLimitMs: 400 })).toBe('switch-over');
  });

  it('goes on after a stall when progress is made again', () => {
    const convergence = new Convergence();
    for (let iteration = 0; iteration < 5; iteration++)
      convergence.next({ ...LIMITS, remainingBytes: 900 * MB });
    expect(convergence.next({ ...LIMITS, remainingBytes: 500 * MB })).toBe('iterate');
  });

  it('switches over an idle guest after one iteration', () => {
    expect(simulate({ ram: 1000 * MB, hot: 0, writesPerSecond: 0 })).toMatchObject({
      outcome: 'switch-over',
      iterations: 1,
    });
  });

  it('gives up at the second look on a guest that rewrites its hot set many times faster than the link', () => {
    expect(simulate({ ram: 1000 * MB, hot: 250 * MB, writesPerSecond: 1000 * MB })).toMatchObject({
      outcome: 'stalled',
      iterations: 2,
    });
  });

  it('ends for every guest, and within the limit if it switches over', () => {
    fc.assert(
      fc.property(
        fc.record({
          ram: fc.integer({ min: 100 * MB, max: 10_000_000 * MB }),
          hot: fc.integer({ min: 0, max: 100_000 * MB }),
          writesPerSecond: fc.integer({ min: 0, max: 2000 * MB }),
        }),
        (guest) => {
          const { outcome, remainingBytes } = simulate({ ...guest, hot: Math.min(guest.hot, guest.ram) });
          if (outcome === 'switch-over') {
            expect(expectedDowntimeMs({ ...LIMITS, remainingBytes })).toBeLessThanOrEqual(300);
          }
        },
      ),
    );
  });
});

describe('expectedDowntimeMs', () => {
  it('adds the overhead to the time that the remaining bytes take', () => {
    expect(expectedDowntimeMs({ ...LIMITS, remainingBytes: 10 * MB })).toBe(150);
  });

  it('is unknown without a bandwidth', () => {
    expect(expectedDowntimeMs({ ...LIMITS, bytesPerSecond: undefined, remainingBytes: 1 })).toBeUndefined();
  });
});
