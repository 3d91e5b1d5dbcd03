import { PageferryError } from '@pageferry/errors';
import type { OutgoingContext } from './outgoing-context.js';
import type { Standing } from './standing.js';
import type { Transfer } from './transfer.js';

/**
 * Connects to the destination again, and asks who has the guest. If it is the destination, the transfer goes on with the
 * pages that it lacks. Errors: `ownership-unknown`; `guest-lost`, in post-copy.
 */
export async function reconnect({ link, states }: OutgoingContext, transfer: Transfer): Promise<Standing> {
  const standing = await link.reconnect(transfer.guest.layout, {
    reached: () => {
      if (states.state === 'postcopy-paused') states.transition('postcopy-recover');
    },
    missed: () => {
      if (states.state === 'postcopy-recover') states.transition('postcopy-paused');
    },
    // The pages that the guest lacks are here only: they are kept for as long as someone may bring the destination back.
    outlasts: () => states.state === 'postcopy-paused',
  });
  const { phase, completed, missing, error } = standing;
  if (error !== undefined && transfer.postcopy !== undefined) {
    const message = `the destination gave the guest up before it had all of its pages: ${error.message}`;
    throw new PageferryError('guest-lost', message, { cause: error, host: 'destination' });
  }
  if (phase === 'owner' && !completed) transfer.goOn(link, missing);
  return standing;
}
