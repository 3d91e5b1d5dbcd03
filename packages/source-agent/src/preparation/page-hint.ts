import { LONE, type PageLayout } from '@pageferry/transfer';

/**
 * What is believed of the pages of one guest. It says what is worth a look, no more: whoever is told the wrong thing sends
 * a page in another way, not another page.
 */
export interface PageHint {
  /** Whether no other page, of this or another guest of the gang, seems to have anything in common with the page. */
  isLone(page: number): boolean;
}

/** By which a guest is told from a later one of the same name. */
export interface HintedGuest {
  readonly name: string;
  /** See `processIdentity`. */
  readonly identity: string;
  readonly layout: PageLayout;
}

/** What is believed of guests that have been prepared; undefined for any other guest. */
export type FindHint = (guest: HintedGuest) => PageHint | undefined;

/** By what an index has said of each page. */
export class IndexedPages implements PageHint {
  readonly #known: Uint8Array;

  /** @param known by page: see `LonePages` */
  constructor(known: Uint8Array) {
    this.#known = known;
  }

  isLone(page: number): boolean {
    return this.#known[page] === LONE;
  }
}

/** Whether pages have the same numbers in both. */
export function sameLayout(one: PageLayout, other: PageLayout): boolean {
  return (
    one.blocks.length === other.blocks.length &&
    one.blocks.every(({ name, length }, index) => {
      const block = other.blocks[index];
      return block?.name === name && block.length === length;
    })
  );
}
