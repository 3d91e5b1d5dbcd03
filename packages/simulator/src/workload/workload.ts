import type { PageSet } from '@pageferry/transfer';

/** What a guest writes. Pages are those of the simulated guest, and so are its writes. */
export interface Workload {
  /** Adds the pages that are written from one moment to the next, ms since the beginning. */
  write(dirtied: PageSet, fromMs: number, toMs: number): void;
}
