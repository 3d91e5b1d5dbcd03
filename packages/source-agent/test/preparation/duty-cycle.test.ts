import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DutyCycle } from '../../src/preparation/duty-cycle.js';

test('work that takes a tenth of a processor rests nine times as long as it works', () => {
  expect(new DutyCycle(0.1).restMs(1000, 1003, 3)).toBeCloseTo(27);
});

test('what had to wait for a processor rests for what it has spent, not for what it has waited', () => {
  const cycle = new DutyCycle(0.1);
  expect(cycle.restMs(0, 500, 3)).toBe(0);
});

test('the whole of a processor needs no rest', () => {
  expect(new DutyCycle(1).restMs(0, 5, 5)).toBe(0);
});

/** What happens to it: how long a piece of work takes, how much longer on the clock, and how much too long the rest is, ms. */
const piece = fc.record({
  spent: fc.double({ min: 0, max: 20, noNaN: true }),
  waited: fc.double({ min: 0, max: 50, noNaN: true }),
  overslept: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1000, noNaN: true })),
});

test('in no time does work take more than its share and one piece', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 60 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (pieces, share) => {
        const cycle = new DutyCycle(share);
        const done: { readonly begun: number; readonly ended: number; readonly spent: number }[] = [];
        let now = 0;
        for (const { spent, waited, overslept } of pieces) {
          const begun = now;
          now += spent + waited;
          done.push({ begun, ended: now, spent });
          now += cycle.restMs(begun, now, spent) + overslept;
        }
        for (const [index, { begun: from }] of done.entries()) {
          let spent = 0;
          let longest = 0;
          for (const later of done.slice(index)) {
            spent += later.spent;
            longest = Math.max(longest, later.spent);
            expect(spent).toBeLessThanOrEqual((later.ended - from) * share + longest + 1e-6);
          }
        }
      },
    ),
  );
});
