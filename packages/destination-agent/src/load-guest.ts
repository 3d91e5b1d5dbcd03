import { PageferryError } from '@pageferry/errors';
import type { IncomingSession } from '@pageferry/qemu';
import { PAGE_SIZE } from '@pageferry/transfer';
import type { ControlOf, RunningTimings } from '@pageferry/wire';
import { NEXT_STEP_TIMEOUT_MS, type IncomingContext } from './incoming-context.js';
import type { IncomingGuest } from './incoming-guest.js';

/** How long that took, ms. */
export type LoadTimings = Pick<RunningTimings, 'load' | 'journal'>;

/** Gives QEMU everything that it needs to run the guest; resolves when QEMU has loaded it and the journal says so. */
export async function loadGuest(
  { journal, link, signal }: IncomingContext,
  guest: IncomingGuest,
  { bytes, postcopy }: ControlOf<'device-state'>,
): Promise<LoadTimings> {
  const { receiver, session } = guest;
  // In the turn of the announcement: the frames may follow at once.
  const arrived = receiver.receiveDeviceState(bytes);
  const next = { signal, timeoutMs: NEXT_STEP_TIMEOUT_MS };
  const deviceState = await link.peer.whole(arrived, `all ${bytes} bytes of the device state`, next);
  const begun = performance.now();
  if (postcopy) {
    const loaded = session.loadPostcopy(
      (discard) => {
        forEachStaleRange(guest, discard);
      },
      deviceState,
      signal,
    );
    receiver.enterPostcopy();
    // Devices may ask for pages that only the source has: without it QEMU would never come to an end.
    await link.peer.whileOpen(loaded);
  } else {
    await link.peer.whileOpen(session.loadPrecopy(deviceState, signal));
  }
  const loadedAt = performance.now();
  await journal.record({ event: 'ready', postcopy });
  return { load: loadedAt - begun, journal: performance.now() - loadedAt };
}

/**
 * Ranges for QEMU to discard. There is always one (design fact 7): with nothing stale, QEMU would not prepare itself
 * for post-copy, so one page that would be discarded anyway, or was never sent, must be found by the source.
 */
function forEachStaleRange(
  { layout, receiver: { missing } }: IncomingGuest,
  discard: Parameters<Parameters<IncomingSession['loadPostcopy']>[0]>[0],
): void {
  if (missing.count === 0) {
    throw new PageferryError(
      'protocol-violation',
      'the source switches to post-copy without a single missing page',
    );
  }
  missing.forEachRun((first, count) => {
    const block = layout.blockOfPage(first);
    discard(block, layout.address(block, first), count * PAGE_SIZE);
  });
}
