import { PageferryError, asPageferryError } from '@pageferry/errors';
import type { OutgoingContext } from './outgoing-context.js';
import type { PostcopySender } from './postcopy.js';
import { reconnect } from './reconnect.js';
import type { Transfer } from './transfer.js';

/** After the last page QEMU only has to end its stream, ms. */
const COMPLETION_TIMEOUT_MS = { precopy: 30_000, postcopy: 60_000 } as const;

/** After pre-copy the guest is complete where it runs; only the last word is missing. */
export async function finishPrecopy({ link, log }: OutgoingContext): Promise<void> {
  try {
    await link.peer.next(['completed'], { timeoutMs: COMPLETION_TIMEOUT_MS.precopy });
  } catch (thrown) {
    log.warn({ err: thrown }, 'the destination runs the guest, but did not say that all is done');
  }
}

/**
 * Post-copy's second half: until the destination has every page, through any number of connections. Errors:
 * `ownership-unknown`, `guest-lost`.
 * @param begun a push that is under way already
 */
export async function finishPostcopy(
  context: OutgoingContext,
  transfer: Transfer,
  sender: PostcopySender,
  begun?: Promise<void>,
): Promise<void> {
  const { link, states, log, signal } = context;
  states.transition('postcopy-active');
  sender.begin();
  let pushing = begun;
  for (;;) {
    try {
      await (pushing ?? sender.push(signal));
      await link.peer.send({ type: 'all-sent' });
      await link.peer.next(['completed'], { timeoutMs: COMPLETION_TIMEOUT_MS.postcopy });
      return;
    } catch (thrown) {
      pushing = undefined;
      signal.throwIfAborted();
      states.transition('postcopy-paused');
      log.error(
        { err: asPageferryError(thrown), missing: sender.missingPages },
        'post-copy is paused: trying to reconnect',
      );
      const { phase, completed } = await reconnect(context, transfer);
      if (phase !== 'owner') {
        throw new PageferryError(
          'ownership-unknown',
          'the destination had taken the guest, and no longer knows of it: is its state directory that of before? ' +
            'This host keeps the stopped guest',
        );
      }
      if (completed) return;
      states.transition('postcopy-active');
      log.info({ missing: sender.missingPages }, 'post-copy goes on');
    }
  }
}
