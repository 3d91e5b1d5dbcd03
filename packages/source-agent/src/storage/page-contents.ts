import type { PageLayout } from '@pageferry/transfer';

/** No page is that. */
const NONE = 0;

/**
 * Finds pages by a hash of what they have, which need not be exact: whoever finds a page has to compare. 16 bytes a page at most,
 * whatever the pages have.
 */
export class PageContents {
  /** By the lowest bits of the hash: the first page of a list, plus one. */
  readonly #first: Uint32Array;
  /** By page: the next one in its list, plus one. */
  readonly #next: Uint32Array;
  readonly #hashes: Uint32Array;
  readonly #mask: number;
  #count = 0;

  constructor({ capacity }: Pick<PageLayout, 'capacity'>) {
    const lists = 2 ** Math.ceil(Math.log2(Math.max(capacity, 1)));
    this.#first = new Uint32Array(lists);
    this.#next = new Uint32Array(capacity);
    this.#hashes = new Uint32Array(capacity);
    this.#mask = lists - 1;
  }

  /** Pages that can be found. */
  get count(): number {
    return this.#count;
  }

  /** @param hash 32 bits; a page is added once */
  add(page: number, hash: number): void {
    const list = hash & this.#mask;
    this.#next[page] = this.#first[list] ?? NONE;
    this.#first[list] = page + 1;
    this.#hashes[page] = hash;
    this.#count++;
  }

  /** Calls `found` with each page that has this hash; none of them is found again. */
  take(hash: number, found: (page: number) => void): void {
    const list = hash & this.#mask;
    const wanted = hash >>> 0;
    let before = NONE;
    for (let at = this.#first[list] ?? NONE; at !== NONE;) {
      const page = at - 1;
      const next = this.#next[page] ?? NONE;
      if (this.#hashes[page] !== wanted) {
        before = at;
      } else {
        if (before === NONE) this.#first[list] = next;
        else this.#next[before - 1] = next;
        this.#count--;
        found(page);
      }
      at = next;
    }
  }
}
