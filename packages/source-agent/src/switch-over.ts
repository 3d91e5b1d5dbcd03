import { abortable } from '@pageferry/errors';
import { PageSet } from '@pageferry/transfer';
import { sendDeviceState, sendStalePages } from './announce-frames.js';
import { finishPostcopy, finishPrecopy } from './finish.js';
import { handOver, type HandOverTimings } from './hand-over.js';
import type { OutgoingContext } from './outgoing-context.js';
import { PostcopySender } from './postcopy.js';
import { Urgency } from './shared-flow.js';
import type { SwitchOverPlan } from './precopy.js';
import type { Transfer } from './transfer.js';

/** The destination's QEMU loads the device state; slow links bring the pages that it asks for meanwhile, ms. */
const READY_TIMEOUT_MS = 90_000;

/** Moments of the pause, on the clock of `performance.now()`. */
interface Moments {
  readonly begun: number;
  readonly stopped: number;
  readonly saved: number;
  readonly sent: number;
  readonly ready: number;
  readonly running: number;
}

/** Stops the guest here and lets it go on there; with post-copy, until the destination has every page. */
export async function switchOver(
  context: OutgoingContext,
  transfer: Transfer,
  { postcopy, hottest }: SwitchOverPlan,
): Promise<void> {
  const { request, link, route, journal, states, progress, directory, signal } = context;
  const { guest, flow, filter, storage, sender, pending } = transfer;
  const { peer } = link;
  await route.turn.take(progress, signal);
  flow.urgency = Urgency.stopped;
  states.transition('pre-switchover');
  await journal.record({ event: 'stopping', postcopy });
  // What is in flight would be waited for with the guest stopped; now it only writes a little more.
  await flow.drained();
  signal.throwIfAborted();
  // From the stop on the destination restores nothing until it is named anew.
  storage?.giveUp((pages) => {
    pending.addAll(pages);
  });
  // Nor should the stopped guest wait while QEMU names what was written meanwhile.
  const written = new PageSet(pending.layout);
  await guest.readDirtyLog(written, signal);
  // What comes now has to arrive as a whole, and nothing changes any more.
  flow.window = Infinity;
  states.transition('device');

  const begun = performance.now();
  await guest.stop();
  const stopped = performance.now();
  filter.stopped();
  const deviceState = await guest.finalState(written, directory, signal);
  filter.written(written);
  pending.addAll(written);
  await filter.recheck(pending);
  const saved = performance.now();
  if (postcopy) {
    transfer.postcopy = new PostcopySender(pending, sender, flow, progress, hottest, storage);
    transfer.postcopy.pushLast(filter.cache);
    await announceStale(context, transfer);
  } else {
    await sender.sendAll(pending, signal);
    progress.remainingPages = 0;
  }
  await abortable(signal, peer.send({ type: 'device-state', bytes: deviceState.length, postcopy }));
  transfer.postcopy?.serve(peer);
  await sendDeviceState(deviceState, flow, signal);
  const sent = performance.now();
  // Devices may ask for pages while they are loaded: the push begins with the first request, at the latest below.
  const pushing = transfer.postcopy?.push(signal);
  // Whoever waits for it later gets the reason; until then it is nobody's business.
  pushing?.catch(() => undefined);
  await peer.next(['ready'], { signal, timeoutMs: READY_TIMEOUT_MS });
  const ready = performance.now();
  const timings = await handOver(context, transfer);
  const running = performance.now();
  flow.urgency = Urgency.postcopy;
  route.turn.release(progress);

  storage?.allow();
  if (transfer.postcopy !== undefined && request.mode === 'postcopy')
    void leaveOutNow(transfer, transfer.postcopy);
  else if (transfer.postcopy !== undefined) filter.mapFilePages();
  recordDowntime(context, { begun, stopped, saved, sent, ready, running }, timings);
  if (transfer.postcopy === undefined) await finishPrecopy(context);
  else await finishPostcopy(context, transfer, transfer.postcopy, pushing);
}

/** Of a guest of which nothing was sent before the stop. Its memory no longer changes here. */
async function leaveOutNow({ filter, sender, pending }: Transfer, postcopy: PostcopySender): Promise<void> {
  await filter.lookAtStopped(pending);
  sender.asZeroes = filter.free;
  postcopy.pushLast(filter.cache);
  postcopy.pushLast(filter.free);
}

async function announceStale(
  { link, progress, signal }: OutgoingContext,
  { flow, pending }: Transfer,
): Promise<void> {
  // QEMU prepares itself for post-copy at the first discard: with nothing stale, a page goes once more.
  if (pending.count === 0) pending.add(0);
  pending.growToHostPages();
  progress.remainingPages = pending.count;
  await abortable(signal, link.peer.send({ type: 'stale', pages: pending.count }));
  await sendStalePages(pending, flow, signal);
}

function recordDowntime(
  { progress, log }: OutgoingContext,
  { begun, stopped, saved, sent, ready, running }: Moments,
  { journal, destination }: HandOverTimings,
): void {
  const downtimeMs = running - begun;
  const parts = {
    stop: stopped - begun,
    deviceState: saved - stopped,
    lastPages: sent - saved,
    load: destination.load,
    journal: destination.journal + journal,
    resume: destination.resume,
  };
  const known = Object.values(parts).reduce((sum, part) => sum + part, 0);
  const downtime = { ...parts, rest: Math.max(0, downtimeMs - known) };
  progress.downtimeMs = downtimeMs;
  progress.downtime = downtime;
  log.info({ downtimeMs, downtime, readyMs: ready - begun }, 'the guest runs on the destination');
}
