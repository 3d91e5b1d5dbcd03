import { asPageferryError } from '@pageferry/errors';
import { FEATURES, PAGE_SIZE, featurePage, type LonePages, type PageLayout } from '@pageferry/transfer';
import { PresentPages, type PresentMemory } from '../present-pages.js';

/** Pages that are looked at in one go: some hundred µs of a processor. */
const PAGES_AT_ONCE = 128;

/** A guest whose memory is looked at. */
export interface LookedAtGuest {
  readonly memory: PresentMemory;
  readonly layout: PageLayout;
  /** Number of its first page among the pages of all guests. */
  readonly firstPage: number;
  /** Its memory cannot be read any more: its QEMU has ended, most likely. */
  readonly onLost: (reason: string) => void;
}

/** Where it has come to. */
interface Place {
  guest: number;
  block: number;
  /** Within the block. */
  page: number;
}

/**
 * Looks at the memory of guests while they run, from the first page of the first one to the last page of the last one, and
 * then all over again, so that the look that is longest ago comes next.
 */
export class PageLook {
  readonly #guests: (LookedAtGuest | undefined)[];
  readonly #lone: LonePages;
  readonly #present = new PresentPages(PAGES_AT_ONCE);
  readonly #features = new Uint32Array(FEATURES);
  readonly #page: { readonly words: Int32Array; start: number };
  readonly #place: Place = { guest: 0, block: 0, page: 0 };
  #rounds = 0;
  #lookedAt = 0;

  constructor(guests: readonly LookedAtGuest[], lone: LonePages) {
    this.#guests = [...guests];
    this.#lone = lone;
    const { buffer, byteOffset } = this.#present.buffer;
    this.#page = { words: new Int32Array(buffer, byteOffset, (PAGES_AT_ONCE * PAGE_SIZE) / 4), start: 0 };
  }

  /** Times that all pages have been looked at. */
  get rounds(): number {
    return this.#rounds;
  }

  /** Of this round: pages that there are, whether they hold anything or not. */
  get lookedAt(): number {
    return this.#lookedAt;
  }

  /** Whether there is no guest left. */
  get isOver(): boolean {
    return this.#guests.every((guest) => guest === undefined);
  }

  /** Looks at the next pages, at most 128. */
  step(): void {
    const place = this.#place;
    const guest = this.#guests[place.guest];
    const block = guest?.layout.blocks[place.block];
    if (guest === undefined || block === undefined) {
      this.#goToGuest(place.guest + 1);
      return;
    }
    const count = Math.min(PAGES_AT_ONCE, block.pageCount - place.page);
    try {
      this.#look(guest, block.index, place.page, guest.firstPage + block.firstPage + place.page, count);
    } catch (thrown) {
      this.#lose(place.guest, guest, asPageferryError(thrown).message);
      return;
    }
    this.#lookedAt += count;
    place.page += count;
    if (place.page < block.pageCount) return;
    place.page = 0;
    place.block++;
    if (place.block === guest.layout.blocks.length) this.#goToGuest(place.guest + 1);
  }

  /** @param number of the first page among those of all guests */
  #look(guest: LookedAtGuest, block: number, first: number, number: number, count: number): void {
    this.#present.read(guest.memory, block, first * PAGE_SIZE, count, {
      present: (page, length) => {
        for (let place = 0; place < length; place++) this.#note(number + page + place, place);
      },
      absent: (page, length) => {
        this.#lone.forget(number + page, length);
      },
    });
  }

  /** @param place of the page in the buffer */
  #note(page: number, place: number): void {
    this.#page.start = (place * PAGE_SIZE) / 4;
    featurePage(this.#page, this.#features);
    this.#lone.note(page, this.#features);
  }

  /** Its pages have something in common with nobody: what is known of them is of no use. */
  #lose(index: number, guest: LookedAtGuest, reason: string): void {
    this.#guests[index] = undefined;
    guest.onLost(reason);
    this.#lone.forget(guest.firstPage, guest.layout.capacity);
    this.#goToGuest(index + 1);
  }

  #goToGuest(index: number): void {
    const place = this.#place;
    place.block = 0;
    place.page = 0;
    place.guest = index;
    if (index < this.#guests.length) return;
    place.guest = 0;
    this.#rounds++;
    this.#lookedAt = 0;
  }
}
