import type { PageferryError } from '@pageferry/errors';
import type { MigrationMode } from '@pageferry/wire';
import type { IncomingContext } from './incoming-context.js';
import type { IncomingGuest } from './incoming-guest.js';
import type { IncomingView } from './incoming-resource.js';
import { NOTHING_RECEIVED } from './received-counts.js';

/** Where a view comes from. */
export interface Viewed {
  readonly id: string;
  readonly context: IncomingContext;
  /** What the source asked for, once it has. */
  readonly request: { readonly guest: string; readonly mode: MigrationMode } | undefined;
  readonly guest: IncomingGuest | undefined;
  readonly error: PageferryError | undefined;
}

export function viewIncoming({ id, context, request, guest, error }: Viewed): IncomingView {
  const { states, journal } = context;
  return {
    id,
    guest: request?.guest ?? null,
    mode: request?.mode ?? null,
    state: states.state,
    history: [...states.history],
    startedAt: states.history[0]?.at ?? 0,
    owner: journal.owner,
    received: { ...(guest?.receiver.counts ?? NOTHING_RECEIVED) },
    missingPages: guest?.receiver.missing.count ?? 0,
    pageRequests: guest?.requests.count ?? 0,
    error: error?.toJSON() ?? null,
  };
}

export type { IncomingView };
