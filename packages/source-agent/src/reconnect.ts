import type { OutgoingContext } from './outgoing-context.js';
import type { Standing } from './standing.js';
import type { Transfer } from './transfer.js';

/**
 * Connects to the destination again, and asks who has the guest. If it is the destination, the transfer goes on with the
 * pages that it lacks. Error: `ownership-unknown`.
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
  if (standing.phase === 'owner' && !standing.completed) transfer.goOn(link, standing.missing);
  return standing;
}
