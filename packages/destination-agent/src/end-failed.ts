import type { PageferryError } from '@pageferry/errors';
import { errorForWire } from '@pageferry/wire';
import type { IncomingContext } from './incoming-context.js';
import type { IncomingGuest } from './incoming-guest.js';

/** The end of a migration that failed. Before the hand-over nothing is left behind; never rejects. */
export async function endFailed(
  context: IncomingContext,
  guest: IncomingGuest | undefined,
  error: PageferryError,
): Promise<void> {
  const { states, journal, link, log } = context;
  if (journal.owner && error.code === 'interrupted') {
    // The journal stays open: the agent's next run takes the post-copy up.
    log.warn('the agent ends while the guest lacks pages: it goes on when the agent is started again');
    return;
  }
  if (journal.owner) {
    log.error({ err: error }, 'the migration failed after the hand-over: the guest belongs to this host');
    await journal.record({ event: 'failed', error: error.toJSON() }).catch(() => undefined);
    states.transition('failed');
    return;
  }
  log.error({ err: error }, 'the incoming migration ended; the guest stays on the source');
  await guest?.quit();
  if (!journal.returned) await journal.record({ event: 'aborted' }).catch(() => undefined);
  states.transition(error.code === 'cancelled' ? 'cancelled' : 'failed');
  if (journal.returned) return;
  await link.tell(
    error.host === 'source' ? { type: 'aborted' } : { type: 'failed', error: errorForWire(error) },
  );
}
