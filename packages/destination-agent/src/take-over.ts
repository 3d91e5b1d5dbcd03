import { asPageferryError, sleep, type PageferryError } from '@pageferry/errors';
import { continueGuest } from '@pageferry/qemu';
import { errorForWire, type RunningTimings } from '@pageferry/wire';
import { NEXT_STEP_TIMEOUT_MS, ROUNDS_TIMEOUT_MS, type IncomingContext } from './incoming-context.js';
import type { IncomingGuest } from './incoming-guest.js';
import type { LoadTimings } from './load-guest.js';

/** QEMU announces the guest to the network by itself, but before it runs; once more when it does. Times in ms. */
const ANNOUNCEMENT = { initial: 50, max: 550, rounds: 5, step: 100 } as const;
/** What QEMU may refuse `cont` for is found before it touches the guest's memory, ms. */
const REFUSAL_TIMEOUT_MS = 3_000;

/** A guest that belongs to this host. */
export interface TakenOver {
  /** What the source is to hear. */
  readonly timings: RunningTimings;
  /** Resolves when the guest runs, if it is to; never rejects. */
  readonly running: Promise<void>;
}

/**
 * From `ready` to the guest that is this host's, and runs here. In post-copy `cont` may wait for missing pages: a source
 * that is lost meanwhile must be able to come back with them, so that is not waited for then. When it throws, and the
 * journal says `returned`, the source has the guest again.
 */
export async function takeOver(
  context: IncomingContext,
  guest: IncomingGuest,
  loaded: LoadTimings,
  postcopy: boolean,
): Promise<TakenOver> {
  const { journal, link, signal } = context;
  const { peer } = link;
  await peer.send({ type: 'ready' });
  const { run } = await peer.next(['hand-over'], { signal, timeoutMs: NEXT_STEP_TIMEOUT_MS });
  const begun = performance.now();
  await journal.takeOver(run);
  const journalled = performance.now();
  const resumed = run
    ? continueGuest(guest.qmp, postcopy ? { timeoutMs: ROUNDS_TIMEOUT_MS } : {})
    : Promise.resolve();
  const sourceLost = peer.closed.then(() => sleep(REFUSAL_TIMEOUT_MS, signal));
  try {
    await (postcopy ? Promise.race([resumed, sourceLost]) : resumed);
  } catch (thrown) {
    // One that ends with the agent leaves the guest to the agent's next run.
    signal.throwIfAborted();
    await giveBack(context, guest, asPageferryError(thrown).on('destination'));
  } finally {
    sourceLost.catch(() => undefined);
  }
  const resume = performance.now() - journalled;
  return {
    timings: { load: loaded.load, journal: loaded.journal + journalled - begun, resume },
    running: noteRunning(context, guest, run, resumed),
  };
}

async function noteRunning(
  { journal, log, signal }: IncomingContext,
  { qmp }: IncomingGuest,
  run: boolean,
  resumed: Promise<void>,
): Promise<void> {
  try {
    await resumed;
  } catch (thrown) {
    if (!signal.aborted)
      log.error({ err: thrown }, 'the guest could not be run; it gets its pages all the same');
    return;
  }
  await journal.note({ event: 'running' });
  if (run) void qmp.execute('announce-self', ANNOUNCEMENT).catch(() => undefined);
}

/** The guest could not be started here and has not executed one instruction: the source gets it back. */
async function giveBack(
  { journal, link }: IncomingContext,
  guest: IncomingGuest,
  reason: PageferryError,
): Promise<never> {
  // A QEMU that has not answered may still run it.
  if (reason.code === 'qmp-timeout') throw reason;
  // Ended first: from the journal entry on, the source may run the guest.
  if (!(await guest.quit())) throw reason;
  await journal.giveBack();
  await link.tell({ type: 'returned', error: errorForWire(reason) });
  throw reason;
}
