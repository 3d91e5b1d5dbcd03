import type { Logger } from '@pageferry/daemon';
import type { SourceGuest } from '../source-guest.js';
import { GuestInspector } from './guest-inspector.js';
import { PageFilter, type FilteredPages } from './page-filter.js';

/** Looks into the guest when it is started, if anything is wanted of that. */
export function openPageFilter(
  guest: SourceGuest,
  wanted: FilteredPages,
  { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
): PageFilter {
  const open = async () => GuestInspector.open(guest, signal);
  return new PageFilter(guest.layout, { wanted, open, log, signal });
}
