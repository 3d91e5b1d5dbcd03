import type { PageCounts } from '@pageferry/introspect';
import type { PageSet } from '@pageferry/transfer';
import type { FilePageMap } from '../storage/file-page-map.js';

/** Why there is nothing to be seen in a guest, as a clause. */
export class Unreadable {
  constructor(readonly reason: string) {}
}

export interface SeenPages {
  readonly free: PageSet;
  /** Clean page cache that nobody has mapped. */
  readonly cache: PageSet;
}

/** Looks into a guest whose kernel it has found. Its methods reject with whatever keeps them from reading. */
export interface Inspector {
  /** As `uname -r` says it. */
  readonly release: string;
  /** Looks at all pages, and puts them into the sets, whatever these had before. */
  look(seen: SeenPages, signal: AbortSignal): Promise<PageCounts | Unreadable>;
  /**
   * Says where on the guest's disks pages of cache lie.
   * @param wanted only these pages are of interest; they were seen by the last {@link look}
   */
  mapFilePages(wanted: PageSet, signal: AbortSignal): Promise<FilePageMap | Unreadable>;
  /** The guest has been stopped: begins to read what {@link recheck} needs. */
  prepareRecheck(signal: AbortSignal): void;
  /**
   * Names pages that were free when looked at last, and may be so no more. The guest has been stopped since.
   * @param written what the guest may have written to since before that look began
   * @param taken gets them
   */
  recheck(written: PageSet, taken: PageSet, signal: AbortSignal): Promise<Unreadable | undefined>;
}
