import type { RamBlock } from '@pageferry/qemu';
import type { BlockShape } from '@pageferry/transfer';
import type { IndexingProgress } from './indexing.js';

/** A guest as its indexing needs to know it: what a thread can be told. */
export interface GuestPlace {
  readonly pid: number;
  readonly blocks: readonly RamBlock[];
  readonly shapes: readonly BlockShape[];
  /** Number of its first page among the pages of all guests. */
  readonly firstPage: number;
}

/** What is to be indexed. */
export interface IndexingOrder {
  readonly guests: readonly GuestPlace[];
  /** Gets what is known of each page: see `LonePages`. */
  readonly known: Uint8Array;
  /** Of one processor. */
  readonly share: number;
  /** 32 bits that no guest knows. */
  readonly secret: number;
}

/** What the indexing says. */
export type IndexingMessage =
  | { readonly kind: 'begun'; readonly yields: boolean }
  | { readonly kind: 'progress'; readonly progress: IndexingProgress }
  | { readonly kind: 'lost'; readonly guest: number; readonly reason: string }
  /** No guest is left. */
  | { readonly kind: 'over' };
