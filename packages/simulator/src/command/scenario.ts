import { readFileSync, statSync } from 'node:fs';
import { PageferryError } from '@pageferry/errors';
import { PAGE_SIZE } from '@pageferry/transfer';
import { simulatedGuest, type SimulatedGuest } from '../guest.js';
import { LinkShape } from '../link/link-shape.js';
import type { Random } from '../random.js';
import type { Scenario } from '../simulate.js';
import { limits } from '../trace/format.js';
import { Trace } from '../trace/trace.js';
import { Bursts } from '../workload/bursts.js';
import { HotSpot } from '../workload/hot-spot.js';
import { Recorded } from '../workload/recorded.js';
import { Sweep } from '../workload/sweep.js';
import type { Workload } from '../workload/workload.js';
import { Zipf } from '../workload/zipf.js';
import type { Flags } from './options.js';

const idle: Workload = { write: () => undefined };

/** What the command line describes. Errors: `request-invalid` for a trace that cannot be read. */
export function scenarioOf(flags: Flags): Scenario {
  const trace = flags.trace === undefined ? undefined : readTrace(flags.trace);
  // Pages of a trace are what they are: they are never taken together.
  const guest =
    trace === undefined
      ? simulatedGuest(flags.memory, flags.mostPages)
      : simulatedGuest(trace.pages * PAGE_SIZE, trace.pages);
  return {
    guest,
    workload: (random) => {
      const workload = trace === undefined ? synthetic(flags, guest, random) : new Recorded(trace);
      return flags.bursts === undefined ? workload : new Bursts(workload, flags.bursts);
    },
    seed: flags.seed,
    link: new LinkShape([{ fromMs: 0, bytesPerSecond: flags.link }, ...flags.linkChange]),
    roundTripMs: flags.roundTrip,
    windowBytes: flags.window,
    logBytesPerSecond: flags.logRate,
    downtimeLimitMs: flags.downtime,
    overheadMs: flags.overhead,
    timeLimitMs: flags.timeLimit,
  };
}

function synthetic(flags: Flags, { layout, scale }: SimulatedGuest, random: Random): Workload {
  const pages = layout.pageCount;
  const pagesPerSecond = flags.writeRate / PAGE_SIZE / scale;
  const { workingSet, hot, hotShare, skew } = flags;
  switch (flags.workload) {
    case 'idle':
      return idle;
    case 'uniform':
      return new HotSpot({ pages, pagesPerSecond, hotFraction: workingSet, hotShare: 1 }, random);
    case 'hot-spot':
      return new HotSpot({ pages, pagesPerSecond, hotFraction: hot, hotShare }, random);
    case 'zipf':
      return new Zipf({ pages, pagesPerSecond, skew }, random);
    case 'sweep':
      return new Sweep({ pages: Math.max(Math.round(pages * workingSet), 1), pagesPerSecond });
  }
}

function readTrace(path: string): Trace {
  let file: Buffer;
  try {
    if (statSync(path).size > limits.bytes) throw new Error('it is too large');
    file = readFileSync(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PageferryError('request-invalid', `the trace ${path} cannot be read: ${why}`, { cause });
  }
  return new Trace(file);
}
