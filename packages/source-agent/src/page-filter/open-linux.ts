import { PageferryError } from '@pageferry/errors';
import { openGuest, type LinuxGuest, type UnsupportedResult } from '@pageferry/introspect';
import { readPageTables, type GuestPhysicalMemory } from '@pageferry/qemu';
import type { SourceGuest } from '../source-guest.js';
import type { KnownGuests } from './known-guests.js';

/** A look keeps one byte a page: 32 MiB for a guest of 128 GiB. Larger ones are not looked into, pages. */
const MOST_PAGES = 32 * 1024 * 1024;

export interface OpenedLinux {
  readonly memory: GuestPhysicalMemory;
  readonly linux: LinuxGuest | UnsupportedResult;
  /** What its processors have in their register CR3. */
  readonly pageTables: readonly number[];
}

/** Finds the kernel of a guest through its QEMU. Errors: `memory-unreadable`, those of QMP, what the signal was aborted with. */
export async function openLinux(
  guest: SourceGuest,
  known: KnownGuests,
  signal: AbortSignal,
): Promise<OpenedLinux> {
  const memory = await guest.physicalMemory(signal);
  const pageTables = await readPageTables(guest.qmp, { signal });
  if (pageTables.length === 0) throw new PageferryError('qemu-unexpected', 'info registers: there is no CR3');
  const pages = memory.pages.reduce((sum, { count }) => sum + count, 0);
  if (pages > MOST_PAGES) {
    const reason = `it has more than ${MOST_PAGES} pages`;
    return { memory, linux: { kind: 'unsupported', reason }, pageTables };
  }
  const linux = await openGuest(memory, { pageTables, signal }, known.get(guest.identity));
  if (linux.kind === 'linux') known.set(guest.identity, linux.known);
  return { memory, linux, pageTables };
}
