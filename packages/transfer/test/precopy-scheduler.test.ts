import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  PAGE_SIZE,
  PageSet,
  PrecopyScheduler,
  type PrecopyLimits,
  type PrecopyStanding,
} from '../src/index.js';
import { LIMITS, PAGE_BYTES, simulatePrecopy, type SimulatedOutcome } from './support/simulate-precopy.js';
import {
  cyclicWriter,
  flatLayout,
  idle,
  inBursts,
  randomWriter,
  type Writer,
} from './support/simulated-guest.js';

/** 256 MiB over a link of 100 MB/s: 2.7 s. */
const PAGES = 65_536;
const BANDWIDTH = 100_000_000;
const LINK_PAGES = BANDWIDTH / PAGE_BYTES;
const HALF = { first: 8192, pages: PAGES / 2 };

function move(
  write: Writer,
  limits: Partial<PrecopyLimits> = {},
  bandwidth = () => BANDWIDTH,
): SimulatedOutcome {
  return simulatePrecopy({ pages: PAGES, write, bandwidth, limits });
}

function scheduler(
  pages: number,
  limits: Partial<PrecopyLimits> = {},
): { pending: PageSet; precopy: PrecopyScheduler } {
  const pending = new PageSet(flatLayout(pages));
  pending.fill();
  return { pending, precopy: new PrecopyScheduler(pending, { ...LIMITS, ...limits }) };
}

function standing(nowMs: number, more: Partial<PrecopyStanding> = {}): PrecopyStanding {
  return { nowMs, sentBytes: 0, inFlightBytes: 0, bytesPerSecond: BANDWIDTH, ...more };
}

describe('PrecopyScheduler on simulated guests', () => {
  it('sends an idle guest once, and stops it with nothing left', () => {
    for (const eachPageOnce of [false, true]) {
      const outcome = move(idle, { eachPageOnce });
      expect(outcome).toMatchObject({
        decision: 'switch-over',
        sentPages: PAGES,
        remainingPages: 0,
        mostOften: 1,
      });
      expect(outcome.iterations.every(({ skippedPages }) => skippedPages === 0)).toBe(true);
    }
  });

  it('stops the guest after the first look when everything fits the downtime limit', () => {
    const { decision, iterations } = simulatePrecopy({ pages: 100, write: idle, bandwidth: () => BANDWIDTH });
    expect(decision).toBe('switch-over');
    expect(iterations).toHaveLength(1);
  });

  it('gets a guest that writes anywhere at 1.05 times the link below the limit', () => {
    const all = move(randomWriter({ first: 0, pages: PAGES, pagesPerSecond: 1.05 * LINK_PAGES }));
    expect(all.decision).toBe('switch-over');
    expect(all.remainingPages).toBeLessThan(PAGES * 0.1);
    const half = move(randomWriter({ ...HALF, pagesPerSecond: 1.05 * LINK_PAGES }));
    expect(half.decision).toBe('switch-over');
    expect(half.remainingPages).toBeLessThan(HALF.pages * 0.15);
  });

  it('gets a guest that goes round in its memory at 0.8 times the link below half of the limit', () => {
    const outcome = move(cyclicWriter({ ...HALF, pagesPerSecond: 0.8 * LINK_PAGES }));
    expect(outcome.decision).toBe('switch-over');
    expect(outcome.downtimeMs).toBeLessThan(150);
  });

  it('keeps about half of a hot set clean that is rewritten at twice the link, and says that more does not help', () => {
    const outcome = move(randomWriter({ ...HALF, pagesPerSecond: 2 * LINK_PAGES }));
    expect(outcome.decision).toBe('stalled');
    expect(outcome.remainingPages).toBeGreaterThan(HALF.pages * 0.4);
    expect(outcome.remainingPages).toBeLessThan(HALF.pages * 0.6);
  });

  it('does not wait for a hot set that is small enough for the stop', () => {
    const outcome = move(randomWriter({ first: 0, pages: 6000, pagesPerSecond: 2 * LINK_PAGES }));
    expect(outcome.decision).toBe('switch-over');
    expect(outcome.downtimeMs).toBeLessThanOrEqual(LIMITS.downtimeLimitMs);
    expect(outcome.sentPages).toBeLessThan(PAGES * 1.3);
  });

  it('is not stalled in a burst, and stops the guest when it rests', () => {
    const writer = randomWriter({ ...HALF, pagesPerSecond: 3 * LINK_PAGES });
    const outcome = move(inBursts(writer, { onMs: 2000, offMs: 4000 }));
    expect(outcome.decision).toBe('switch-over');
    expect(outcome.downtimeMs).toBeLessThan(100);
  });

  it('gets a guest that goes round in its memory at 1.05 times the link below the limit', () => {
    const outcome = move(cyclicWriter({ ...HALF, pagesPerSecond: 1.05 * LINK_PAGES }));
    expect(outcome.decision).toBe('switch-over');
    expect(outcome.downtimeMs).toBeLessThanOrEqual(LIMITS.downtimeLimitMs);
  });

  it('waits for a link that has fallen to a tenth to recover', () => {
    const write = randomWriter({ ...HALF, pagesPerSecond: 0.5 * LINK_PAGES });
    let now = 0;
    const outcome = simulatePrecopy({
      pages: PAGES,
      write,
      bandwidth: (nowMs) => {
        now = nowMs;
        return nowMs > 1500 && nowMs < 4000 ? BANDWIDTH / 10 : BANDWIDTH;
      },
    });
    expect(now).toBeGreaterThan(4000);
    expect(outcome.decision).toBe('switch-over');
  });

  it('takes longer over a link that halves, and still comes to the stop', () => {
    const write = (): Writer => randomWriter({ ...HALF, pagesPerSecond: 0.4 * LINK_PAGES });
    const steady = move(write());
    const halved = simulatePrecopy({
      pages: PAGES,
      write: write(),
      bandwidth: (nowMs) => (nowMs < 1000 ? BANDWIDTH : BANDWIDTH / 2),
    });
    expect(steady.decision).toBe('switch-over');
    expect(halved.decision).toBe('switch-over');
    expect(halved.nowMs).toBeGreaterThan(steady.nowMs);
    expect(halved.iterations.at(-1)?.bandwidth).toBe(BANDWIDTH / 2);
  });

  const guests = fc.record({
    first: fc.integer({ min: 0, max: 1000 }),
    pages: fc.integer({ min: 1, max: 3096 }),
    speed: fc.double({ min: 0, max: 10, noNaN: true }),
    goesRound: fc.boolean(),
    onMs: fc.integer({ min: 50, max: 3000 }),
    offMs: fc.integer({ min: 0, max: 3000 }),
    bandwidth: fc.integer({ min: 1_000_000, max: 20_000_000 }),
    logIntervalMs: fc.integer({ min: 50, max: 500 }),
    eachPageOnce: fc.boolean(),
  });

  it('comes to an end with any guest, within the limit if it stops it, and sends no page twice before post-copy', () => {
    fc.assert(
      fc.property(
        guests,
        ({ first, pages, speed, goesRound, onMs, offMs, bandwidth, logIntervalMs, eachPageOnce }) => {
          const shape = { first, pages, pagesPerSecond: (speed * bandwidth) / PAGE_BYTES };
          const writer = goesRound ? cyclicWriter(shape) : randomWriter(shape);
          const outcome = simulatePrecopy({
            pages: 4096,
            write: inBursts(writer, { onMs, offMs }),
            bandwidth: () => bandwidth,
            limits: { eachPageOnce, timeLimitMs: 60_000 },
            logIntervalMs,
          });
          expect(outcome.nowMs).toBeLessThan(61_000);
          if (outcome.decision === 'switch-over') {
            expect(outcome.downtimeMs).toBeLessThanOrEqual(LIMITS.downtimeLimitMs);
          }
          if (eachPageOnce) expect(outcome.mostOften).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('PrecopyScheduler before post-copy', () => {
  it('has come to its end when every page went once that is worth it', () => {
    const outcome = move(randomWriter({ ...HALF, pagesPerSecond: 2 * LINK_PAGES }), { eachPageOnce: true });
    expect(outcome).toMatchObject({ decision: 'stalled', mostOften: 1 });
    expect(outcome.nowMs).toBeLessThan(3000);
  });

  it('sends the last pages before the stop only if that costs hardly more than the stop itself', () => {
    const few = randomWriter({ first: 0, pages: 400, pagesPerSecond: 2 * LINK_PAGES });
    const many = randomWriter({ first: 0, pages: 2000, pagesPerSecond: 2 * LINK_PAGES });
    expect(move(few, { eachPageOnce: true })).toMatchObject({ decision: 'switch-over' });
    expect(move(many, { eachPageOnce: true })).toMatchObject({ decision: 'stalled' });
  });
});

describe('PrecopyScheduler', () => {
  it('is late when the time limit has passed', () => {
    const { precopy } = scheduler(PAGES, { timeLimitMs: 1000 });
    expect(precopy.decide(standing(1000)).decision).toBe('iterate');
    expect(precopy.decide(standing(1001)).decision).toBe('late');
  });

  it('is not late when it can stop the guest', () => {
    const { precopy } = scheduler(10, { timeLimitMs: 1000 });
    expect(precopy.decide(standing(2000)).decision).toBe('switch-over');
  });

  it('counts what the guest will have rewritten when all that is in flight has arrived', () => {
    const { pending, precopy } = scheduler(1000);
    precopy.decide(standing(0));
    const dirtied = new PageSet(pending.layout);
    dirtied.addRange(0, 500);
    precopy.observe(dirtied, 1000);
    const without = precopy.decide(standing(1000)).remainingBytes;
    precopy.observe(dirtied, 1000);
    const inFlightBytes = 8_000_000;
    const withThem = precopy.decide(standing(2000, { inFlightBytes })).remainingBytes;
    expect(withThem - without).toBeCloseTo((inFlightBytes * 500 * PAGE_SIZE) / BANDWIDTH);
  });

  it('describes each iteration in its table', () => {
    const { pending, precopy } = scheduler(1000);
    precopy.decide(standing(100));
    const run = precopy.nextRun(64);
    expect(run).toEqual({ first: 0, count: 32 });
    precopy.sent(0, 32, 32 * PAGE_BYTES);
    const dirtied = new PageSet(pending.layout);
    dirtied.addRange(0, 5);
    precopy.observe(dirtied, 250);
    const { ended } = precopy.decide(standing(350, { sentBytes: 32 * PAGE_BYTES }));
    expect(ended).toEqual({
      number: 2,
      durationMs: 250,
      dirtiedPages: 5,
      sentPages: 32,
      skippedPages: 0,
      sentBytes: 32 * PAGE_BYTES,
      bandwidth: BANDWIDTH,
      accumulatedRate: 0,
      remainingPages: 1000 - 32 + 5,
    });
    expect(precopy.table.rows.at(-1)).toEqual(ended);
  });

  it('does not send again what went in the first pass, unless it was rewritten', () => {
    const { pending, precopy } = scheduler(100);
    for (let page = 0; page < 100; page++) precopy.sentOtherwise(page);
    expect(precopy.decide(standing(0)).decision).toBe('switch-over');
    const dirtied = new PageSet(pending.layout);
    dirtied.add(50);
    precopy.observe(dirtied, 100);
    precopy.decide(standing(100));
    expect(precopy.nextRun(64)).toEqual({ first: 50, count: 1 });
    expect(precopy.nextRun(64)).toBeUndefined();
  });

  it('expects to send again what the guest rewrites, but never before post-copy', () => {
    for (const eachPageOnce of [false, true]) {
      const { pending, precopy } = scheduler(100, { eachPageOnce });
      const dirtied = new PageSet(pending.layout);
      dirtied.add(40);
      precopy.observe(dirtied, 1000);
      expect([0, 40].map((page) => precopy.willSendAgain(page))).toEqual([false, !eachPageOnce]);
      expect([...precopy.hottest.order]).toEqual([1]);
    }
  });
});
