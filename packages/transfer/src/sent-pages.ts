import { PAGE_SIZE } from './page-layout.js';
import type { PageWords } from './page-delta.js';

const WAYS = 4;
const WORDS = PAGE_SIZE / 4;
const FREE = 0xffff_ffff;
/** Iterations without use after which a page may be replaced. Sooner, a working set larger than the cache finds nothing. */
const USELESS_AFTER = 32;

/**
 * Copies of pages as they were sent last, so that the next time only what changed has to be sent. Bounded: a page has
 * four places, and one that is in use is not driven out. Memory is taken when it is first needed.
 */
export class SentPages {
  readonly #sets: number;
  /** The page in each place. */
  readonly #pages: Uint32Array;
  /** The iteration in which each place was last used. */
  readonly #used: Uint32Array;
  #content: { readonly words: Int32Array; start: number } | undefined;
  #iteration = 0;
  #count = 0;

  /** @param bytes most that the copies may take; fewer than four pages are none */
  constructor(bytes: number) {
    this.#sets = Math.floor(bytes / PAGE_SIZE / WAYS);
    this.#pages = new Uint32Array(this.#sets * WAYS).fill(FREE);
    this.#used = new Uint32Array(this.#sets * WAYS);
  }

  /** Pages that there are copies of. */
  get count(): number {
    return this.#count;
  }

  /** A new iteration begins. */
  advance(): void {
    this.#iteration++;
  }

  /** The copy of a page, which the caller may change; undefined if there is none. The object is used again. */
  find(page: number): PageWords | undefined {
    if (this.#count === 0) return undefined;
    const place = this.#placeOf(page);
    if (place === -1) return undefined;
    this.#used[place] = this.#iteration;
    return this.#contentAt(place);
  }

  /** A place for the copy of a page that has none, to be filled by the caller; undefined if there is no room. As above. */
  add(page: number): PageWords | undefined {
    if (this.#sets === 0) return undefined;
    const set = this.#setOf(page);
    for (let place = set; place < set + WAYS; place++) {
      const free = this.#pages[place] === FREE;
      if (!free && this.#iteration - (this.#used[place] ?? 0) < USELESS_AFTER) continue;
      if (free) this.#count++;
      this.#pages[place] = page;
      this.#used[place] = this.#iteration;
      return this.#contentAt(place);
    }
    return undefined;
  }

  /** The copy of the page, if there is one, is no longer what was sent. */
  forget(page: number): void {
    if (this.#count === 0) return;
    const place = this.#placeOf(page);
    if (place === -1) return;
    this.#pages[place] = FREE;
    this.#count--;
  }

  #placeOf(page: number): number {
    const set = this.#setOf(page);
    for (let place = set; place < set + WAYS; place++) {
      if (this.#pages[place] === page) return place;
    }
    return -1;
  }

  /** Neighbours are spread evenly by the remainder alone. */
  #setOf(page: number): number {
    return (page % this.#sets) * WAYS;
  }

  #contentAt(place: number): PageWords {
    this.#content ??= { words: new Int32Array(this.#pages.length * WORDS), start: 0 };
    this.#content.start = place * WORDS;
    return this.#content;
  }
}
