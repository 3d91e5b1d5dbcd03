import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Convergence,
  expectedDowntimeMs,
  type ConvergenceDecision,
  type IterationStart,
} from '../src/index.js';

const MB = 1_000_000;
const LIMITS = { bytesPerSecond: 100 * MB, downtimeLimitMs: 300, overheadMs: 50 };
/** Over the limit by so many bytes that nothing below would fit. */
const MUCH = 1000 * MB;

/** One look a round: each iteration sent everything that was worth it. */
function rounds(
  remaining: readonly number[],
  convergence = new Convergence(),
  beginMs = 0,
): ConvergenceDecision[] {
  return remaining.map((remainingBytes, round) =>
    convergence.next({
      ...LIMITS,
      nowMs: beginMs + round * 2000,
      remainingBytes,
      sentBytes: 0,
      exhausted: true,
    }),
  );
}

describe('Convergence', () => {
  it('iterates while less remains each time, and stops the guest once that fits the limit and no longer falls', () => {
    expect(rounds([1000 * MB, 500 * MB, 100 * MB, 18 * MB, 17 * MB, 17 * MB])).toEqual([
      'iterate',
      'iterate',
      'iterate',
      'iterate',
      'iterate',
      'switch-over',
    ]);
  });

  it('counts the fixed overhead as downtime', () => {
    const stalled = rounds([26 * MB, 26 * MB, 26 * MB, 26 * MB]);
    expect(stalled.at(-1)).toBe('stalled');
    expect(rounds([25 * MB, 25 * MB, 25 * MB]).at(-1)).toBe('switch-over');
  });

  it('stops the guest at once when hardly more than the overhead is left', () => {
    expect(rounds([0.9 * MB])).toEqual(['switch-over']);
    expect(rounds([1.1 * MB])).toEqual(['iterate']);
  });

  it('waits the shorter for a minimum the less there is to gain', () => {
    const stopsAt = (remainingBytes: number): number => {
      const convergence = new Convergence();
      for (let nowMs = 0; nowMs < 10_000; nowMs += 20) {
        const start = { ...LIMITS, nowMs, remainingBytes, sentBytes: 0, exhausted: true };
        if (convergence.next(start) === 'switch-over') return nowMs;
      }
      return Infinity;
    };
    // 50 ms could be saved, and 200 ms.
    expect(stopsAt(5 * MB)).toBe(400);
    expect(stopsAt(20 * MB)).toBe(1600);
  });

  it('waits for a minimum, but no longer than a round', () => {
    const settled = [10 * MB, 10 * MB];
    expect(rounds([...settled, 12 * MB, 10.5 * MB])).toEqual([
      'iterate',
      'iterate',
      'iterate',
      'switch-over',
    ]);
    expect(rounds([...settled, 12 * MB, 12 * MB])).toEqual(['iterate', 'iterate', 'iterate', 'switch-over']);
  });

  it('stops the guest at once when the rest rises towards the limit, and not when it rises far below it', () => {
    expect(rounds([15 * MB, 21 * MB])).toEqual(['iterate', 'switch-over']);
    expect(rounds([5 * MB, 8 * MB])).toEqual(['iterate', 'iterate']);
  });

  it('stops the guest with nothing left, even with an unknown bandwidth or a limit below the overhead', () => {
    const start: IterationStart = {
      remainingBytes: 0,
      sentBytes: 0,
      nowMs: 0,
      exhausted: false,
      bytesPerSecond: undefined,
      downtimeLimitMs: 10,
      overheadMs: 50,
    };
    expect(new Convergence().next(start)).toBe('switch-over');
  });

  it('iterates while the bandwidth is not known', () => {
    const start = {
      ...LIMITS,
      remainingBytes: 1,
      sentBytes: 0,
      nowMs: 0,
      exhausted: false,
      bytesPerSecond: undefined,
    };
    expect(new Convergence().next(start)).toBe('iterate');
  });

  it('has stalled after three rounds without progress', () => {
    expect(rounds([MUCH, 400 * MB, 400 * MB, 400 * MB, 400 * MB])).toEqual([
      'iterate',
      'iterate',
      'iterate',
      'iterate',
      'stalled',
    ]);
  });

  it('has stalled when the minima fall by less than a tenth in three rounds', () => {
    expect(rounds([MUCH, 400 * MB, 390 * MB, 380 * MB, 370 * MB]).at(-1)).toBe('stalled');
  });

  it('goes on while small improvements add up to a tenth in time', () => {
    const remaining = Array.from({ length: 60 }, (_, round) => MUCH * 0.95 ** round);
    expect(rounds(remaining)).not.toContain('stalled');
  });

  it('does not take the rise between two minima for a stall', () => {
    const remaining = [1000, 400, 700, 650, 300, 500, 450, 200].map((megabytes) => megabytes * MB);
    expect(rounds(remaining)).not.toContain('stalled');
  });

  it('does not end a round before as much was sent as remained at its beginning', () => {
    const convergence = new Convergence();
    const start = { ...LIMITS, remainingBytes: 400 * MB, exhausted: false };
    const decisions = Array.from({ length: 40 }, (_, look) =>
      convergence.next({ ...start, sentBytes: look * 25 * MB, nowMs: look * 250 }),
    );
    // The first look begins a round, and each round takes 16 looks.
    expect(decisions).not.toContain('stalled');
    const later = Array.from({ length: 20 }, (_, look) =>
      convergence.next({ ...start, sentBytes: (40 + look) * 25 * MB, nowMs: (40 + look) * 250 }),
    );
    expect(later.indexOf('stalled')).toBe(8);
  });

  it('judges a round by its lowest remainder, wherever in it that was', () => {
    const convergence = new Convergence();
    const look = (remainingBytes: number, sentBytes: number): ConvergenceDecision =>
      convergence.next({
        ...LIMITS,
        remainingBytes,
        sentBytes,
        nowMs: sentBytes / 100_000,
        exhausted: false,
      });
    look(400 * MB, 0);
    for (let round = 1; round < 8; round++) {
      look(400 * MB * 0.8 ** round, round * 400 * MB - 100 * MB);
      expect(look(400 * MB, round * 400 * MB)).toBe('iterate');
    }
  });

  it('prefers the switch-over to a stall', () => {
    const convergence = new Convergence();
    const start = { ...LIMITS, remainingBytes: 30 * MB, sentBytes: 0, exhausted: true, nowMs: 10_000 };
    for (let round = 0; round < 5; round++) convergence.next({ ...start, nowMs: round * 2000 });
    expect(convergence.next(start)).toBe('stalled');
    expect(convergence.next({ ...start, downtimeLimitMs: 400 })).toBe('switch-over');
  });

  it('goes on after a stall when progress is made again', () => {
    const convergence = new Convergence();
    expect(
      rounds(
        Array.from({ length: 5 }, () => 900 * MB),
        convergence,
      ).at(-1),
    ).toBe('stalled');
    expect(rounds([500 * MB], convergence, 10_000)).toEqual(['iterate']);
  });

  it('can be told how much progress and patience are wanted', () => {
    const patient = new Convergence({ patience: 5 });
    expect(
      rounds(
        Array.from({ length: 6 }, () => MUCH),
        patient,
      ).indexOf('stalled'),
    ).toBe(5);
    const content = new Convergence({ improvement: 0.01, patience: 1 });
    expect(rounds([400 * MB, 390 * MB, 380 * MB, 379 * MB], content)).toEqual([
      'iterate',
      'iterate',
      'iterate',
      'stalled',
    ]);
  });

  it('ends whatever remains, and stops the guest only when the rest fits the limit', () => {
    const remainders = fc.array(fc.integer({ min: 0, max: 2000 * MB }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(remainders, fc.boolean(), (remaining, exhausted) => {
        const convergence = new Convergence();
        let sentBytes = 0;
        let looks = 0;
        for (; looks < 10_000; looks++) {
          const remainingBytes = remaining[looks % remaining.length] ?? 0;
          const start = { ...LIMITS, remainingBytes, sentBytes, exhausted, nowMs: looks * 250 };
          const decision = convergence.next(start);
          if (decision === 'switch-over') expect(expectedDowntimeMs(start)).toBeLessThanOrEqual(300);
          if (decision !== 'iterate') break;
          sentBytes += 25 * MB;
        }
        expect(looks).toBeLessThan(10_000);
      }),
    );
  });
});

describe('expectedDowntimeMs', () => {
  it('adds the overhead to the time that the remaining bytes take', () => {
    expect(expectedDowntimeMs({ ...LIMITS, remainingBytes: 10 * MB })).toBe(150);
  });

  it('is the overhead with nothing left, and unknown without a bandwidth', () => {
    const unknown = { ...LIMITS, bytesPerSecond: undefined };
    expect(expectedDowntimeMs({ ...unknown, remainingBytes: 0 })).toBe(50);
    expect(expectedDowntimeMs({ ...unknown, remainingBytes: 1 })).toBeUndefined();
  });
});
