import type { Link } from '../../bench/link.js';
import type { Method } from '../../bench/method.js';
import type { Run } from '../../bench/run.js';

/** A run of the benchmark, as it could be. */
export const run = (scenario: string, link: Link, method: Method, figures: Partial<Run> = {}): Run => ({
  ...{ scenario, link, method },
  date: '2026-01-02T03:04:05.000Z',
  machine: { processors: 2, accelerator: 'tcg', qemu: '10.0.2', node: 'v20.0.0' },
  completed: true,
  error: null,
  totalMs: 1000,
  downtimeMs: 100,
  reportedDowntimeMs: 90,
  guestGapMs: 120,
  wireBytes: 4_000_000,
  pages: 1000,
  contentPages: 900,
  pageRequests: 0,
  undisturbedRate: 200,
  rate: 150,
  sourceCpuMs: 500,
  destinationCpuMs: 300,
  daemonPeakBytes: null,
  guestErrors: 0,
  ...figures,
});

export const givenUp = {
  completed: false,
  error: 'cancelled',
  totalMs: 120_000,
  downtimeMs: null,
  reportedDowntimeMs: null,
  pages: 50_000,
} as const;

export const totals = (scenario: string, method: Method, milliseconds: readonly number[]): Run[] =>
  milliseconds.map((totalMs) => run(scenario, 1000, method, { totalMs }));
