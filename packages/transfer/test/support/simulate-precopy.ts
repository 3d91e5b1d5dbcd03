import {
  PAGE_SIZE,
  PageSet,
  PrecopyScheduler,
  expectedDowntimeMs,
  type Iteration,
  type PrecopyDecision,
  type PrecopyLimits,
} from '../../src/index.js';
import { flatLayout, type Writer } from './simulated-guest.js';

/** A page on the wire: its content and its address. */
export const PAGE_BYTES = PAGE_SIZE + 8;
const LONGEST_RUN = 64;

export interface SimulatedPrecopy {
  /** Pages of the guest. */
  readonly pages: number;
  readonly write: Writer;
  /** Of the link at a moment, bytes a second. */
  readonly bandwidth: (nowMs: number) => number;
  readonly limits?: Partial<PrecopyLimits>;
  /** Time between two looks at the dirty log. */
  readonly logIntervalMs?: number;
}

export interface SimulatedOutcome {
  readonly decision: Exclude<PrecopyDecision, 'iterate'>;
  readonly nowMs: number;
  readonly sentPages: number;
  /** Most times that one page was sent. */
  readonly mostOften: number;
  readonly remainingPages: number;
  /** If the guest were stopped at the end. */
  readonly downtimeMs: number;
  readonly iterations: readonly Iteration[];
}

export const LIMITS: PrecopyLimits = {
  downtimeLimitMs: 300,
  overheadMs: 50,
  timeLimitMs: 600_000,
  eachPageOnce: false,
};

/**
 * Pre-copy over a link that carries everything at once and whose bandwidth is known, until it no longer goes on. In the
 * end the destination must have every page that is no longer pending in its newest version.
 */
export function simulatePrecopy(options: SimulatedPrecopy): SimulatedOutcome {
  const { pages, write, bandwidth, logIntervalMs = 100 } = options;
  const pending = new PageSet(flatLayout(pages));
  pending.fill();
  const scheduler = new PrecopyScheduler(pending, { ...LIMITS, ...options.limits });
  const dirtied = new PageSet(pending.layout);
  const timesSent = new Uint16Array(pages);
  let sentBytes = 0;
  let sentPages = 0;
  for (let now = 0, lastLook = 0; ;) {
    const bytesPerSecond = bandwidth(now);
    dirtied.clear();
    write(dirtied, lastLook, now);
    if (now > lastLook) scheduler.observe(dirtied, now - lastLook);
    const decided = scheduler.decide({ nowMs: now, sentBytes, inFlightBytes: 0, bytesPerSecond });
    const { decision, remainingBytes } = decided;
    if (decision !== 'iterate') {
      const overheadMs = LIMITS.overheadMs;
      return {
        decision,
        nowMs: now,
        sentPages,
        mostOften: maximum(timesSent),
        remainingPages: pending.count,
        downtimeMs: expectedDowntimeMs({ remainingBytes, bytesPerSecond, overheadMs }) ?? Infinity,
        iterations: scheduler.table.rows,
      };
    }
    lastLook = now;
    const until = now + logIntervalMs;
    while (now < until) {
      const run = scheduler.nextRun(LONGEST_RUN);
      if (run === undefined) break;
      const bytes = run.count * PAGE_BYTES;
      timesSent.subarray(run.first, run.first + run.count).forEach((times, index, sent) => {
        sent[index] = times + 1;
      });
      scheduler.sent(run.first, run.count, bytes);
      sentBytes += bytes;
      sentPages += run.count;
      now += (bytes / bandwidth(now)) * 1000;
    }
    now = Math.max(now, until);
  }
}

function maximum(numbers: Uint16Array): number {
  let most = 0;
  for (const number of numbers) most = Math.max(most, number);
  return most;
}
