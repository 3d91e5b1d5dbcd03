import type { ControlOf } from '@pageferry/wire';
import type { IncomingContext } from './incoming-context.js';
import type { IncomingGuest } from './incoming-guest.js';

/** This host's word on who has the guest. */
export function standingOf(
  { journal: { owner, returned }, states }: IncomingContext,
  guest: IncomingGuest | undefined,
): ControlOf<'standing'> {
  return {
    type: 'standing',
    phase: owner ? 'owner' : returned ? 'returned' : 'unknown',
    completed: states.state === 'completed',
    missing: owner ? (guest?.receiver.missing.count ?? 0) : 0,
  };
}
