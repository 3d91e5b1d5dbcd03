import type { PageferryError } from '@pageferry/errors';
import { errorForWire, type ControlOf } from '@pageferry/wire';
import type { IncomingContext } from './incoming-context.js';
import type { IncomingGuest } from './incoming-guest.js';

/**
 * This host's word on who has the guest.
 * @param error that the migration ended with
 */
export function standingOf(
  { journal: { owner, returned }, states }: IncomingContext,
  guest: IncomingGuest | undefined,
  error?: PageferryError,
): ControlOf<'standing'> {
  return {
    type: 'standing',
    phase: owner ? 'owner' : returned ? 'returned' : 'unknown',
    completed: states.state === 'completed',
    missing: owner && error === undefined ? (guest?.receiver.missing.count ?? 0) : 0,
    ...(owner && error !== undefined && { error: errorForWire(error) }),
  };
}
