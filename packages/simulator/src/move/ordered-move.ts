import {
  PAGE_SIZE,
  PageSet,
  PrecopyScheduler,
  isReadAhead,
  logIntervalMs,
  logIntervals,
  precopyWindowBytes,
} from '@pageferry/transfer';
import { FRAME_PAGES, MovingGuest, type MoveOptions } from './moving-guest.js';
import type { Outcome } from './outcome.js';

/** What can be read of a first pass, bytes a second, for that rule if nothing is to limit it: about what agents reach. */
const USUAL_READING_SPEED = 1_000_000_000;

/** Moves the guest as the source agent does: with its scheduler, and a look at the dirty log as often as it takes one. */
export function moveOrdered(options: MoveOptions, strategy: 'precopy' | 'hybrid'): Outcome {
  const { guest, downtimeLimitMs, overheadMs, timeLimitMs, shortestLogIntervalMs } = options;
  const moving = new MovingGuest(options);
  const { pending, link } = moving;
  const eachPageOnce = strategy === 'hybrid';
  const scheduler = new PrecopyScheduler(pending, { downtimeLimitMs, overheadMs, timeLimitMs, eachPageOnce });
  const dirtied = new PageSet(guest.layout);
  const enough = (): boolean => eachPageOnce && moving.now > timeLimitMs;
  firstPass(moving, scheduler, dirtied, { ...options, enough });
  for (let lastRead = 0; ;) {
    const readBegun = moving.now;
    moving.collect(dirtied);
    moving.waitUntil(readBegun + moving.logMs(dirtied.count));
    moving.collect(dirtied);
    const nowMs = moving.now;
    scheduler.observe(dirtied, nowMs - lastRead);
    lastRead = nowMs;
    dirtied.clear();
    const { sentBytes, inFlightBytes, bytesPerSecond } = link;
    const { decision, remainingBytes, ended } = scheduler.decide({
      nowMs,
      sentBytes,
      inFlightBytes,
      bytesPerSecond,
    });
    moving.sample(pending.count);
    if (decision !== 'iterate') {
      const postcopy = eachPageOnce && decision !== 'switch-over';
      return moving.finish({ strategy, reason: decision, iterations: ended.number, postcopy });
    }
    link.windowBytes = precopyWindowBytes({
      remainingBytes,
      bytesPerSecond,
      roundTripMs: options.roundTripMs,
      pauseMs: nowMs - readBegun,
    });
    const interval = logIntervalMs(remainingBytes, bytesPerSecond, nowMs - readBegun);
    sendIteration(moving, scheduler, enough, nowMs + Math.max(interval, shortestLogIntervalMs));
  }
}

/** QEMU's first pass, in the order of the addresses: a slow link takes of it what there is time for. */
function firstPass(
  moving: MovingGuest,
  scheduler: PrecopyScheduler,
  dirtied: PageSet,
  { guest, logBytesPerSecond, enough }: MoveOptions & { readonly enough: () => boolean },
): void {
  const { pageCount } = guest.layout;
  const readingSpeed = Math.min(logBytesPerSecond, USUAL_READING_SPEED) / guest.scale;
  const isSlow = (): boolean => isReadAhead(moving.link.bytesPerSecond, readingSpeed);
  const pageMs = ((PAGE_SIZE * guest.scale) / logBytesPerSecond) * 1000;
  for (let first = 0; first < pageCount && !enough(); first += FRAME_PAGES) {
    const count = Math.min(FRAME_PAGES, pageCount - first);
    if (!isSlow()) moving.waitForRoom();
    moving.waitUntil(moving.now + count * pageMs);
    if (moving.link.isFull) continue;
    for (let page = first; page < first + count; page++) scheduler.sentOtherwise(page);
    moving.send(count);
    moving.sampleOnTheWay(dirtied);
  }
}

/** Sends what the scheduler names until the log is to be read again. */
function sendIteration(
  moving: MovingGuest,
  scheduler: PrecopyScheduler,
  enough: () => boolean,
  untilMs: number,
): void {
  const begun = moving.now;
  let sent = false;
  while (moving.now < untilMs && !enough()) {
    const run = scheduler.nextRun(FRAME_PAGES);
    if (run === undefined) {
      const shortest = sent ? logIntervals.shortest : logIntervals.longest;
      moving.waitUntil(Math.min(begun + shortest, untilMs));
      return;
    }
    sent = true;
    scheduler.sent(run.first, run.count, moving.send(run.count));
    moving.waitForRoom();
  }
}
