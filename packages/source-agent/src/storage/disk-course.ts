import type { DiskMatch } from './disk-match.js';
import type { DiskPages } from './file-page-map.js';

/** Of the map, that are looked at in one go. */
const MOST_LOOKED_AT = 65_536;

/** A guest's disk, and how far its pages have been gone through. */
export class DiskCourse {
  readonly match: DiskMatch;
  readonly #pages: DiskPages;
  #cursor = 0;

  constructor(match: DiskMatch, pages: DiskPages) {
    this.match = match;
    this.#pages = pages;
  }

  /**
   * Goes on through the pages, in the order of the disk, and round and round.
   * @param most pages that may be taken
   * @param take says whether it has taken the page, which lies at `offset`, bytes
   * @returns how many were taken
   */
  goOn(most: number, take: (page: number, offset: number) => boolean): number {
    const { pages, offsets } = this.#pages;
    const looked = Math.min(MOST_LOOKED_AT, pages.length);
    let taken = 0;
    for (let at = 0; at < looked && taken < most; at++) {
      const cursor = this.#cursor;
      this.#cursor = (cursor + 1) % pages.length;
      if (take(pages[cursor] ?? 0, offsets[cursor] ?? 0)) taken++;
    }
    return taken;
  }
}
