import type { Logger } from '@pageferry/daemon';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import type { OutgoingContext } from './outgoing-context.js';
import type { SourceGuest } from './source-guest.js';

/**
 * Ends a migration that failed or was cancelled. Before the hand-over the guest goes on here; after it, it is the
 * destination's.
 *
 * @param guest undefined if the migration did not get that far
 * @returns the error that it ended with: a guest that cannot be brought back is worse than why it had to be
 */
export async function endFailed(
  context: OutgoingContext,
  guest: SourceGuest | undefined,
  error: PageferryError,
): Promise<PageferryError> {
  const { states, journal, log } = context;
  if (journal.handedOver && error.code === 'interrupted') {
    // The journal stays open: the agent's next run goes on with what the destination lacks.
    log.warn('the agent ends before the destination has every page: it goes on when it is started again');
    return error;
  }
  if (journal.handedOver) {
    log.error(
      { err: error },
      'the migration failed after the hand-over: the guest belongs to the destination',
    );
    await journal.record({ event: 'failed', error: error.toJSON() }).catch(() => undefined);
    states.transition('failed');
    return error;
  }
  const cancelled = error.code === 'cancelled';
  if (cancelled) states.transition('cancelling');
  try {
    await rollBack(context, guest, error);
    if (guest?.isGone === true) throw error.code === 'qmp-closed' ? error : qemuGone(error);
    log[cancelled ? 'info' : 'error']({ err: error }, 'the migration was given up; the guest stays here');
    states.transition(cancelled ? 'cancelled' : 'failed');
    return error;
  } catch (thrown) {
    log.error({ err: thrown, first: error }, 'the guest could not be brought back to running');
    states.transition('failed');
    return asPageferryError(thrown).on('source');
  }
}

/** Errors: `guest-state` if the guest cannot be run again, `journal`. */
async function rollBack(
  { link, journal, log }: OutgoingContext,
  guest: SourceGuest | undefined,
  reason: PageferryError,
): Promise<void> {
  const aborted = link.abort(reason);
  try {
    if (guest !== undefined && !guest.isGone) {
      await bringBack(guest, log).catch((thrown: unknown) => {
        // A QEMU that has ended meanwhile has nothing left to bring back.
        if (asPageferryError(thrown).code !== 'qmp-closed') throw thrown;
      });
    }
    await journal.record({ event: 'rolled-back' });
  } finally {
    await aborted;
  }
}

async function bringBack(guest: SourceGuest, log: Logger): Promise<void> {
  if (!(await endDirtyLog(guest, log))) {
    // QEMU does not run a guest before its migration has ended, which it hears of when it answers again.
    await guest.answers();
    await endDirtyLog(guest, log);
  }
  // The guest matters more than its QEMU's settings.
  await guest.takeBack();
}

/** Whether it could be ended. */
async function endDirtyLog(guest: SourceGuest, log: Logger): Promise<boolean> {
  try {
    await guest.endDirtyLog();
    return true;
  } catch (thrown) {
    log.error({ err: thrown }, 'the dirty log could not be ended');
    return false;
  }
}

/** It may have been missed first by something else: its dirty log, or the destination. */
function qemuGone(cause: PageferryError): PageferryError {
  return new PageferryError('qmp-closed', "the source's QEMU is gone", { cause, host: 'source' });
}
