import type { Logger } from '@pageferry/daemon';
import { PageferryError, sleep } from '@pageferry/errors';
import type { DirtyLog } from '@pageferry/qemu';
import {
  PAGE_SIZE,
  PageSet,
  PrecopyScheduler,
  logIntervalMs,
  logIntervals,
  precopyWindowBytes,
  type DecidedIteration,
  type HottestStripes,
} from '@pageferry/transfer';
import { FirstPass } from './first-pass.js';
import type { FlowControl } from './flow-control.js';
import type { PageFilter } from './page-filter/page-filter.js';
import type { PageSender } from './page-sender.js';
import type { Progress } from './progress.js';
import type { SwitchOverWith, WhenStalled } from './request.js';
import { STORAGE_INTERVAL_MS, type StorageSender } from './storage/storage-sender.js';
import { StorageWait } from './storage/storage-wait.js';

/** What the stop costs beside the last pages: device state, round trips, journals, ms. */
const SWITCH_OVER_OVERHEAD_MS = 50;

export interface PrecopyOptions {
  readonly dirtyLog: Pick<DirtyLog, 'readFirstPass' | 'collect'>;
  readonly sender: PageSender;
  readonly flow: FlowControl;
  /** Pages that the destination lacks, or has in an old version: all of them, at the beginning. */
  readonly pending: PageSet;
  readonly progress: Progress;
  readonly filter: PageFilter;
  /** If pages may come from disks that both hosts share. */
  readonly storage?: StorageSender | undefined;
  /** As the two below: read when it is used, as it may change meanwhile. */
  readonly downtimeLimitMs: number;
  /** ms */
  readonly timeLimitMs: number;
  /** What to do when pre-copy no longer pays, or takes too long. */
  readonly whenStalled: WhenStalled;
  /** Whether the guest may be stopped now: others may be about to be. */
  readonly mayStop: () => boolean;
  /** Whether the operator has asked for the stop. */
  readonly switchOverForced: () => boolean;
  /** How the rest is to go then, if the operator has said so. */
  readonly switchOverWith?: () => SwitchOverWith | undefined;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** How the guest is to be stopped. */
export interface SwitchOverPlan {
  /** The rest goes when the guest runs there already; otherwise before. */
  readonly postcopy: boolean;
  /** Where the guest was seen to write, if it was watched. */
  readonly hottest?: HottestStripes;
}

/**
 * Iterations over the dirty log while the guest runs. Resolves when the guest is to be stopped, and says how: with its
 * last pages, or with post-copy for the rest. Error: `not-converging`, when the rest does not fit the downtime limit and
 * the request says to cancel then.
 */
export async function runPrecopy(options: PrecopyOptions): Promise<SwitchOverPlan> {
  const { dirtyLog, sender, flow, pending, progress, filter, storage, log, signal } = options;
  const postcopyFollows = (): boolean => options.whenStalled === 'postcopy';
  const scheduler = new PrecopyScheduler(pending, {
    get downtimeLimitMs() {
      return options.downtimeLimitMs;
    },
    overheadMs: SWITCH_OVER_OVERHEAD_MS,
    get timeLimitMs() {
      return options.timeLimitMs;
    },
    get eachPageOnce() {
      return postcopyFollows();
    },
  });
  progress.iterationTable = scheduler.table;
  const dirtied = new PageSet(pending.layout);
  const begun = performance.now();
  // A stop that has been asked for, or a time limit with a way out, does not wait for the end of an iteration.
  const enough = (): boolean =>
    options.switchOverForced() || (postcopyFollows() && performance.now() > begun + options.timeLimitMs);

  const sendAfterAll = (pages: PageSet): void => {
    scheduler.sendAfterAll(pages);
  };
  const restore = (): void => {
    storage?.takeFailed(sendAfterAll);
    filter.mapFilePages();
    storage?.advance(pending, (page) => {
      scheduler.sentOtherwise(page);
    });
  };
  const firstPass = new FirstPass({
    ...{ sender, flow, scheduler, pending, progress, filter, storage },
    enough,
  });
  await dirtyLog.readFirstPass(firstPass, dirtied, signal);
  firstPass.end();
  filter.watch();
  await sender.flushed();
  const storageWait = storage && new StorageWait(storage);
  for (let lastRead = begun; ;) {
    const readBegun = performance.now();
    await dirtyLog.collect(dirtied, signal);
    const now = performance.now();
    progress.dirtyRate = ((dirtied.count * PAGE_SIZE) / (now - lastRead)) * 1000;
    scheduler.observe(dirtied, now - lastRead);
    filter.written(dirtied, scheduler);
    dirtied.clear();
    await filter.apply(pending, scheduler, sender);
    restore();
    sender.sentPages.advance();
    lastRead = now;
    const { bytesPerSecond, inFlightBytes, sentBytes } = flow;
    const standing = { nowMs: now - begun, sentBytes, inFlightBytes, bytesPerSecond };
    const { ended, ...decided } = scheduler.decide(standing);
    progress.remainingPages = pending.count;
    log.debug({ iteration: ended, ...decided, logMs: now - readBegun }, 'an iteration has ended');
    const isStopWanted = decided.decision !== 'iterate' || options.switchOverForced();
    if (isStopWanted && !filter.isSettled) {
      await filter.look();
      continue;
    }
    if (isStopWanted && storageWait !== undefined && !mayLeaveStorage(options)) {
      await storageWait.moment(bytesPerSecond, sendAfterAll, signal);
      continue;
    }
    if (isStopWanted && options.mayStop()) return plan(options, decided, scheduler.hottest);
    filter.lookAgain();
    const { remainingBytes } = decided;
    const { roundTripMs } = flow;
    const pauseMs = now - readBegun;
    flow.window = precopyWindowBytes({ remainingBytes, bytesPerSecond, roundTripMs, pauseMs });
    const interval = logIntervalMs(remainingBytes, bytesPerSecond, pauseMs);
    await sendIteration(options, { scheduler, restore, enough, until: now + interval });
  }
}

/** Whether the stop need not wait for pages that are being restored: post-copy brings them, or the last pages do. */
function mayLeaveStorage({ storage, switchOverForced, whenStalled }: PrecopyOptions): boolean {
  return storage === undefined || storage.isSettled || whenStalled === 'postcopy' || switchOverForced();
}

/** How the guest is to be stopped, once it is decided that it is. Error: `not-converging`. */
function plan(
  options: PrecopyOptions,
  { decision, expectedDowntimeMs = Infinity }: Omit<DecidedIteration, 'ended'>,
  hottest: HottestStripes,
): SwitchOverPlan {
  if (decision === 'switch-over') return { postcopy: false };
  if (!options.switchOverForced()) {
    const reason = decision === 'late' ? 'late' : 'stalled';
    return { postcopy: isPostcopyWanted(options, reason), hottest };
  }
  // The last pages all go, then, however many they are.
  const wanted = options.switchOverWith?.();
  const isLong = options.whenStalled === 'postcopy' && expectedDowntimeMs > options.downtimeLimitMs;
  return { postcopy: wanted === undefined ? isLong : wanted === 'postcopy', hottest };
}

/** Pre-copy has come to its end without success: whether post-copy is wanted then, or only the stop. */
function isPostcopyWanted(options: PrecopyOptions, reason: 'stalled' | 'late'): boolean {
  const { whenStalled, downtimeLimitMs, timeLimitMs } = options;
  options.log.info({ reason, whenStalled }, 'pre-copy does not bring the rest below the downtime limit');
  if (whenStalled !== 'cancel') return whenStalled === 'postcopy';
  const why =
    reason === 'late'
      ? `within ${timeLimitMs} ms`
      : 'and more iterations would not: the guest writes too fast';
  throw new PageferryError(
    'not-converging',
    `pre-copy did not get the rest below the downtime limit of ${downtimeLimitMs} ms ${why}; migrate in hybrid mode, ` +
      'allow a longer downtime, or let it stop the guest ("whenStalled": "stop")',
  );
}

interface IterationOptions {
  readonly scheduler: PrecopyScheduler;
  /** To be called now and then; what is still to be sent was not given to the sender since it was flushed. */
  readonly restore: () => void;
  readonly enough: () => boolean;
  /** When the log is to be read again; `performance.now()`. */
  readonly until: number;
}

/** Sends what the scheduler names, coldest first, until the log is to be read again. */
async function sendIteration(options: PrecopyOptions, iteration: IterationOptions): Promise<void> {
  const { scheduler, restore, enough, until } = iteration;
  const { sender, flow, signal } = options;
  const begun = performance.now();
  let sent = false;
  for (let now = begun; now < until && !enough(); now = performance.now()) {
    restore();
    const run = scheduler.nextRun(sender.longestRun);
    if (run === undefined) {
      await sender.flushed();
      // What is left is hot: there is nothing to be done until the log has more to say.
      const shortest = sent ? logIntervals.shortest : logIntervals.longest;
      await pause(options, restore, Math.min(begun + shortest, until));
      return;
    }
    sent = true;
    const { first, count } = run;
    scheduler.sent(first, count, sender.sendRun(first, count, { again: scheduler.willSendAgain(first) }));
    const room = flow.room();
    if (room !== undefined) await room;
    signal.throwIfAborted();
  }
  await sender.flushed();
}

/** Only storage has something to do. */
async function pause({ storage, signal }: PrecopyOptions, restore: () => void, until: number): Promise<void> {
  for (let now = performance.now(); now < until; now = performance.now()) {
    const isBusy = storage !== undefined && storage.unsettled.count > 0;
    await sleep(isBusy ? Math.min(STORAGE_INTERVAL_MS, until - now) : until - now, signal);
    restore();
  }
}
