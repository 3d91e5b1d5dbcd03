import type { Turns } from '../turns.js';
import type { Volume } from './disks.js';
import type { Extents } from './extents.js';
import type { UnmappedReason } from './file-pages.js';
import type { WantedPages } from './wanted-pages.js';

/** Many times what the files of an honest guest need. */
const MOST_STEPS = 2 ** 27;

/** How much all looks together may read, so that a guest cannot make them endless. */
export class SearchLimit {
  #left = MOST_STEPS;

  /** @param steps entries of what extents are kept in */
  allows(steps: number): boolean {
    this.#left -= steps;
    return this.#left >= 0;
  }
}

/** A look for a file's pages. */
export interface ExtentSearch {
  /** The address of the file's `struct inode`. */
  readonly inode: number;
  readonly wanted: WantedPages;
  /** Where they are put, in ascending order. */
  readonly extents: Extents;
  readonly turns: Turns;
  readonly limit: SearchLimit;
}

/** Adds extents that have wanted pages, as far as the guest's memory says; what is broken ends there. */
export type ExtentSource = (search: ExtentSearch) => void | Promise<void>;

/** Where a file's content is. */
export interface FileContent {
  readonly volume: Volume;
  /** Extents are counted in blocks of so many bytes, from the beginning of the volume. */
  readonly blockBytes: number;
  /** Asked one after the other, until all pages are found. */
  readonly sources: readonly ExtentSource[];
}

/** One that is mounted. */
export interface FileSystem {
  /** @param inode the address of a `struct inode` of it */
  contentOf(inode: number): FileContent | UnmappedReason;
}
