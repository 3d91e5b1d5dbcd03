import { asPageferryError, type PageferryError } from '@pageferry/errors';
import { continueGuest } from '@pageferry/qemu';
import { errorForWire, type RunningTimings } from '@pageferry/wire';
import { NEXT_STEP_TIMEOUT_MS, type IncomingContext } from './incoming-context.js';
import type { IncomingGuest } from './incoming-guest.js';
import type { LoadTimings } from './load-guest.js';

/** QEMU announces the guest to the network by itself, but before it runs; once more when it does. Times in ms. */
const ANNOUNCEMENT = { initial: 50, max: 550, rounds: 5, step: 100 } as const;

/**
 * From `ready` to the guest that runs here; resolves with what the source is to hear of it. When it throws, and the
 * journal says `returned`, the source has the guest again.
 */
export async function takeOver(
  context: IncomingContext,
  guest: IncomingGuest,
  timings: LoadTimings,
): Promise<RunningTimings> {
  const { journal, link, signal } = context;
  const { peer } = link;
  const { qmp } = guest;
  await peer.send({ type: 'ready' });
  const { run } = await peer.next(['hand-over'], { signal, timeoutMs: NEXT_STEP_TIMEOUT_MS });
  const begun = performance.now();
  await journal.takeOver(run);
  const journalled = performance.now();
  try {
    if (run) await continueGuest(qmp);
  } catch (thrown) {
    await giveBack(context, guest, asPageferryError(thrown).on('destination'));
  }
  await journal.note({ event: 'running' });
  const resume = performance.now() - journalled;
  if (run) void qmp.execute('announce-self', ANNOUNCEMENT).catch(() => undefined);
  return { load: timings.load, journal: timings.journal + journalled - begun, resume };
}

/** The guest could not be started here and has not executed one instruction: the source gets it back. */
async function giveBack(
  { journal, link }: IncomingContext,
  guest: IncomingGuest,
  reason: PageferryError,
): Promise<never> {
  // Ended first: from the journal entry on, the source may run the guest.
  await guest.quit();
  await journal.giveBack();
  await link.tell({ type: 'returned', error: errorForWire(reason) });
  throw reason;
}
