import { PageferryError, asPageferryError } from '@pageferry/errors';
import { errorFromWire, type RunningTimings } from '@pageferry/wire';
import type { OutgoingContext } from './outgoing-context.js';
import { reconnect } from './reconnect.js';
import type { Transfer } from './transfer.js';

/** QMP `cont` on the destination opens the disk images, ms. */
const RUNNING_TIMEOUT_MS = 90_000;

export interface HandOverTimings {
  /** This host's own entry, ms. */
  readonly journal: number;
  readonly destination: RunningTimings;
}

/**
 * Journals the hand-over, says so, and learns what became of it. Throws when the guest is this host's again.
 * Error: `ownership-unknown`.
 */
export async function handOver(context: OutgoingContext, transfer: Transfer): Promise<HandOverTimings> {
  context.signal.throwIfAborted();
  const begun = performance.now();
  await context.journal.handOver();
  const journal = performance.now() - begun;
  const answer = await askOwner(context, transfer);
  if (answer instanceof PageferryError) {
    await context.journal.takeBack();
    throw answer;
  }
  return { journal, destination: answer };
}

/** Answers with the destination's timings once it has the guest, or with the reason why it never had it. */
async function askOwner(
  context: OutgoingContext,
  transfer: Transfer,
): Promise<RunningTimings | PageferryError> {
  const { link, log } = context;
  try {
    await link.peer.send({ type: 'hand-over', run: transfer.guest.wasRunning });
    const answer = await link.peer.next(['running', 'returned'], { timeoutMs: RUNNING_TIMEOUT_MS });
    if (answer.type === 'running') return answer.timings;
    return errorFromWire(answer.error).on('destination');
  } catch (thrown) {
    const reason = asPageferryError(thrown);
    // Until it is known the others must be able to stop.
    context.route.turn.release(context.progress);
    log.error({ err: reason }, 'it is not known whether the destination has the guest: asking again');
    const { phase } = await reconnect(context, transfer);
    return phase === 'owner' ? { load: 0, journal: 0, resume: 0 } : reason;
  }
}
