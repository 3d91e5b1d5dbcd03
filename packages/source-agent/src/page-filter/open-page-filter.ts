import type { Logger } from '@pageferry/daemon';
import type { SourceGuest } from '../source-guest.js';
import { GuestInspector } from './guest-inspector.js';
import type { KnownGuests } from './known-guests.js';
import { PageFilter, type FilteredPages } from './page-filter.js';

/** Looks into the guest when it is started, if anything is wanted of that. */
export function openPageFilter(
  guest: SourceGuest,
  wanted: FilteredPages,
  {
    knownGuests,
    log,
    signal,
  }: { readonly knownGuests: KnownGuests; readonly log: Logger; readonly signal: AbortSignal },
): PageFilter {
  const open = async () => GuestInspector.open(guest, knownGuests, signal);
  return new PageFilter(guest.layout, { wanted, open, log, signal });
}
