import { MAX_UNSETTLED_PAGES } from '@pageferry/wire';

/** What the end of pre-copy may have to wait for, ms. */
const WANTED_MS = 150;
/** At least: on a busy host an answer may come late from storage that is fast. */
const LEAST_PAGES = 512;
const FIRST_PAGES = 2048;
const SHRINK = 0.7;

/**
 * How many pages the destination may be restoring at once: as many as its storage brings in a short time. It grows while
 * answers come sooner, and shrinks when they come late.
 */
export class UnsettledWindow {
  #pages = FIRST_PAGES;
  #shrunkAt = -Infinity;

  get pages(): number {
    return this.#pages;
  }

  /**
   * @param count pages that were settled together, of which the destination heard at `heardAt`, ms
   * @param wasFull whether more would have been named, had it been allowed
   */
  settled(count: number, heardAt: number, now: number, wasFull: boolean): void {
    if (now - heardAt <= WANTED_MS) {
      if (wasFull) this.#pages = Math.min(this.#pages + count, MAX_UNSETTLED_PAGES);
    } else if (heardAt > this.#shrunkAt) {
      // Once for all that was named before.
      this.#shrunkAt = now;
      this.#pages = Math.max(Math.floor(this.#pages * SHRINK), LEAST_PAGES);
    }
  }
}
