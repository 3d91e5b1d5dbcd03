import type { Logger } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import type { DirtyLog, FirstPassSink } from '@pageferry/qemu';
import { Convergence, PAGE_SIZE, expectedDowntimeMs, type PageSet } from '@pageferry/transfer';
import type { FlowControl } from './flow-control.js';
import type { PageSender } from './page-sender.js';
import type { Progress } from './progress.js';

/** What the stop costs beside the last pages: device state, round trips, journals, ms. */
const SWITCH_OVER_OVERHEAD_MS = 50;
const CONVERGENCE = { improvement: 0.1, patience: 3 } as const;

export interface PrecopyOptions {
  readonly dirtyLog: DirtyLog;
  readonly sender: PageSender;
  readonly flow: FlowControl;
  /** Pages that the destination lacks, or has in an old version: all of them, at the beginning. */
  readonly pending: PageSet;
  readonly progress: Progress;
  readonly downtimeLimitMs: number;
  /** ms */
  readonly timeLimitMs: number;
  /** Whether there is a way out of pre-copy that does not pay. */
  readonly postcopyAllowed: boolean;
  /** Whether the operator has asked for the stop. */
  readonly switchOverForced: () => boolean;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Rounds over the dirty log while the guest runs. Resolves when the guest is to be stopped, and says how: what is left
 * fits the downtime limit, or pre-copy no longer pays. Error: `not-converging`, when it does not and there is no
 * other way.
 */
export async function runPrecopy(options: PrecopyOptions): Promise<'precopy' | 'postcopy'> {
  const { dirtyLog, sender, flow, pending, progress, log, signal } = options;
  const convergence = new Convergence(CONVERGENCE);
  const deadline = performance.now() + options.timeLimitMs;
  const late = (): boolean => performance.now() > deadline;
  let iterationBegun = performance.now();

  // A stop that has been asked for, or a time limit with a way out, does not wait for the end of an iteration.
  sender.enough = () => options.switchOverForced() || (options.postcopyAllowed && late());
  await dirtyLog.readFirstPass(firstPassSink(sender, pending), pending, signal);
  sender.flush();
  progress.iterations = 1;

  for (;;) {
    const leftBefore = pending.count;
    await dirtyLog.collect(pending, signal);
    const now = performance.now();
    const durationMs = now - iterationBegun;
    iterationBegun = now;
    const dirtiedBytes = (pending.count - leftBefore) * PAGE_SIZE;
    progress.dirtyRate = (dirtiedBytes / durationMs) * 1000;
    progress.remainingPages = pending.count;
    const start = {
      // What is in flight has to arrive before the last pages do.
      remainingBytes: pending.count * PAGE_SIZE + flow.inFlightBytes,
      bytesPerSecond: flow.bandwidth.bytesPerSecond,
      downtimeLimitMs: options.downtimeLimitMs,
      overheadMs: SWITCH_OVER_OVERHEAD_MS,
      dirtied: { bytes: dirtiedBytes, durationMs },
    };
    const decision = convergence.next(start);
    log.debug({ iteration: progress.iterations, ...start, decision }, 'an iteration begins');
    if (decision === 'switch-over') {
      sender.enough = () => false;
      return 'precopy';
    }
    if (options.switchOverForced()) {
      // The last pages all go, then, however many they are.
      sender.enough = () => false;
      const expected = expectedDowntimeMs(start) ?? Infinity;
      return options.postcopyAllowed && expected > options.downtimeLimitMs ? 'postcopy' : 'precopy';
    }
    if (options.postcopyAllowed && (late() || decision === 'stalled')) return 'postcopy';
    if (late()) {
      throw new PageferryError(
        'not-converging',
        `pre-copy did not get the rest below the downtime limit of ${options.downtimeLimitMs} ms within ` +
          `${options.timeLimitMs} ms: migrate in hybrid mode, allow a longer downtime, or force the switch-over`,
      );
    }
    await sender.sendAll(pending, signal);
    progress.iterations++;
  }
}

/** The first pass, as it is sent: what has been seen is no longer pending. */
function firstPassSink(sender: PageSender, pending: PageSet): FirstPassSink {
  const { blocks } = pending.layout;
  const seen = (block: number, address: number): void => {
    pending.delete((blocks[block]?.firstPage ?? 0) + address / PAGE_SIZE);
  };
  return {
    get target() {
      return sender.target;
    },
    page: (block, address) => {
      seen(block, address);
      return sender.page(block, address);
    },
    zero: (block, address) => {
      seen(block, address);
      sender.zero(block, address);
    },
    ready: () => sender.ready(),
    enough: () => sender.enough(),
  };
}
