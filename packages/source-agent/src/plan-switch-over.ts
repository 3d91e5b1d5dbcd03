import type { OutgoingContext } from './outgoing-context.js';
import { runPrecopy, type SwitchOverPlan } from './precopy.js';
import type { Transfer } from './transfer.js';

/**
 * What goes before the stop: pre-copy, unless the request wants post-copy alone.
 * @throws `not-converging`, what the signal was aborted with
 */
export async function planSwitchOver(
  { request, steering, route, directory, progress, log, signal }: OutgoingContext,
  { guest, flow, filter, storage, sender, pending }: Transfer,
): Promise<SwitchOverPlan> {
  if (request.mode === 'postcopy') return { postcopy: true };
  if (!guest.wasRunning) {
    // Nothing changes in a guest that does not run: there is no log to read, and nobody waits for the last pages.
    await filter.lookAtStopped(pending);
    sender.asZeroes = filter.free;
    await sender.sendAll(pending, signal);
    return { postcopy: false };
  }
  return runPrecopy({
    dirtyLog: await guest.openDirtyLog(directory, signal),
    sender,
    flow,
    pending,
    progress,
    filter,
    storage,
    get downtimeLimitMs() {
      return steering.downtimeLimitMs;
    },
    get timeLimitMs() {
      return steering.timeLimitMs;
    },
    get whenStalled() {
      return steering.whenStalled;
    },
    mayStop: () => route.turn.tryTake(progress),
    switchOverForced: () => steering.switchOver !== undefined,
    switchOverWith: () => (steering.switchOver === 'either' ? undefined : steering.switchOver),
    log,
    signal,
  });
}
