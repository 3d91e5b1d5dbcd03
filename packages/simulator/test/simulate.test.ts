import { describe, expect, it } from 'vitest';
import {
  HotSpot,
  LinkShape,
  Sweep,
  plotOf,
  simulate,
  simulatedGuest,
  strategies,
  tableOf,
  type Outcome,
  type Random,
  type Scenario,
  type Strategy,
  type Workload,
} from '../src/index.js';

const MIB = 2 ** 20;
const BANDWIDTH = 125_000_000;
const idle: Workload = { write: () => undefined };

function scenario(
  bytes: number,
  workload: (pages: number, random: Random) => Workload,
  more: Partial<Scenario> = {},
): Scenario {
  const guest = simulatedGuest(bytes, 2 ** 16);
  return {
    guest,
    workload: (random) => workload(guest.layout.pageCount, random),
    seed: 1,
    link: new LinkShape([{ fromMs: 0, bytesPerSecond: BANDWIDTH }]),
    roundTripMs: 0.2,
    windowBytes: 8 * MIB,
    logBytesPerSecond: Infinity,
    downtimeLimitMs: 300,
    overheadMs: 50,
    timeLimitMs: undefined,
    ...more,
  };
}

const hot = (megabytes: number, hotFraction: number) => (pages: number, random: Random) =>
  new HotSpot({ pages, pagesPerSecond: (megabytes * 1e6) / 4096, hotFraction, hotShare: 1 }, random);

function all(one: Scenario): Record<Strategy, Outcome> {
  const outcome = (strategy: Strategy): Outcome => simulate(one, strategy);
  return { precopy: outcome('precopy'), hybrid: outcome('hybrid'), 'round-robin': outcome('round-robin') };
}

describe('a simulated move', () => {
  it('sends an idle guest once, in the time that the link needs', () => {
    for (const outcome of Object.values(all(scenario(256 * MIB, () => idle)))) {
      expect(outcome.reason).toBe('switch-over');
      expect(outcome.sentPages).toBe(65_536);
      expect(outcome.totalMs / ((256 * MIB) / BANDWIDTH)).toBeCloseTo(1000, -2);
    }
  });

  it('is the same every time', () => {
    const one = scenario(256 * MIB, hot(80, 0.3));
    expect(all(one)).toEqual(all(one));
  });

  it('converges for a hot spot below the bandwidth, with a shorter downtime and fewer pages than round robin', () => {
    const { precopy, hybrid, 'round-robin': roundRobin } = all(scenario(256 * MIB, hot(90, 0.3)));
    expect([precopy.reason, roundRobin.reason]).toEqual(['switch-over', 'switch-over']);
    expect(precopy.downtimeMs).toBeLessThan(roundRobin.downtimeMs);
    expect(precopy.sentPages).toBeLessThan(roundRobin.sentPages);
    expect(hybrid.downtimeMs).toBeLessThan(100);
    expect(hybrid.sentPages).toBeLessThan(precopy.sentPages);
  });

  it('does not converge far above the bandwidth, which pre-copy says, and round robin does not notice', () => {
    const one = scenario(256 * MIB, hot(500, 0.5), { timeLimitMs: 20_000 });
    const { precopy, hybrid, 'round-robin': roundRobin } = all(one);
    expect([precopy.reason, hybrid.reason, roundRobin.reason]).toEqual(['stalled', 'stalled', 'late']);
    expect(precopy.downtimeMs).toBeGreaterThan(300);
    expect(hybrid.downtimeMs).toBeLessThan(100);
    expect(hybrid.sentAfterStopBytes).toBeGreaterThan(50 * MIB);
    expect(roundRobin.totalMs).toBeGreaterThan(20_000);
  });

  it('takes about as long, and sends as much, when several pages count as one', () => {
    const exact = scenario(256 * MIB, hot(90, 0.3));
    const guest = simulatedGuest(256 * MIB, 2 ** 14);
    expect(guest.scale).toBe(4);
    const pages = guest.layout.pageCount;
    const scaled: Scenario = { ...exact, guest, workload: (random) => hot(90 / 4, 0.3)(pages, random) };
    for (const strategy of strategies) {
      const one = simulate(exact, strategy);
      const other = simulate(scaled, strategy);
      expect(other.reason).toBe(one.reason);
      expect(other.totalMs / one.totalMs).toBeGreaterThan(0.9);
      expect(other.totalMs / one.totalMs).toBeLessThan(1.1);
      expect(other.sentBytes / one.sentBytes).toBeGreaterThan(0.9);
      expect(other.sentBytes / one.sentBytes).toBeLessThan(1.1);
    }
  });

  it('takes longer over a link that becomes slower', () => {
    const steady = scenario(256 * MIB, () => idle);
    const link = new LinkShape([
      { fromMs: 0, bytesPerSecond: BANDWIDTH },
      { fromMs: 1000, bytesPerSecond: BANDWIDTH / 10 },
    ]);
    for (const strategy of strategies) {
      const slower = simulate({ ...steady, link }, strategy);
      expect(slower.totalMs).toBeGreaterThan(5 * simulate(steady, strategy).totalMs);
    }
  });

  it('is held up by a dirty log that is slow to read', () => {
    const one = scenario(256 * MIB, (pages) => new Sweep({ pages, pagesPerSecond: 10_000 }));
    const slow = { ...one, logBytesPerSecond: 60_000_000 };
    expect(simulate(slow, 'precopy').downtimeMs).toBeGreaterThan(simulate(one, 'precopy').downtimeMs);
  });

  it('has samples in the order of time, to the end, where nothing remains', () => {
    for (const { samples, totalMs } of Object.values(all(scenario(256 * MIB, hot(90, 0.3))))) {
      expect(samples.length).toBeGreaterThan(10);
      expect(samples.every(({ ms }, index) => ms > (samples[index - 1]?.ms ?? 0))).toBe(true);
      expect(samples.at(-1)).toMatchObject({ ms: totalMs, remainingBytes: 0 });
      const arrived = samples.map(({ arrivedBytesPerSecond }) => arrivedBytesPerSecond);
      expect(Math.max(...arrived)).toBeLessThan(BANDWIDTH * 1.1);
    }
  });

  it('simulates a guest of 1 TiB over 100 Gb/s with a few thousand pages as with any other', () => {
    const link = new LinkShape([{ fromMs: 0, bytesPerSecond: 12_500_000_000 }]);
    const outcome = simulate(
      scenario(2 ** 40, () => idle, { link }),
      'precopy',
    );
    expect(outcome.totalMs).toBeGreaterThan(87_000);
    expect(outcome.totalMs).toBeLessThan(90_000);
    expect(outcome.sentPages).toBe(2 ** 28);
  });
});

describe('the report', () => {
  const outcomes = Object.values(all(scenario(64 * MIB, hot(90, 0.3))));

  it('has a line for each strategy', () => {
    const lines = tableOf(outcomes, 64 * MIB).split('\n');
    expect(lines).toHaveLength(1 + strategies.length);
    expect(lines[0]).toMatch(/total time +sent +sent pages +after the stop +downtime +looks +converged/);
    for (const [index, strategy] of strategies.entries()) expect(lines[index + 1]).toContain(strategy);
  });

  it('draws a picture with a panel for each figure and a name for each line', () => {
    const picture = plotOf('A title & more', outcomes);
    expect(picture).toMatch(/^<svg [^]*<\/svg>$/);
    expect(picture).toContain('A title &amp; more');
    for (const name of ['remaining, MiB', 'dirtied, MB/s', 'arrived, MB/s', ...strategies])
      expect(picture).toContain(name);
  });
});
