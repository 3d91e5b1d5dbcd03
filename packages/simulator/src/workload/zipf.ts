import type { PageSet } from '@pageferry/transfer';
import type { Random } from '../random.js';
import { hitEvenly } from './even-writes.js';
import type { Workload } from './workload.js';

/** Pages that are equally hot and next to each other, as the parts of a large object are. */
const PLACE_PAGES = 32;

export interface ZipfOptions {
  /** Of the guest. */
  readonly pages: number;
  readonly pagesPerSecond: number;
  /** Exponent: how much hotter the first places are than the later ones. */
  readonly skew: number;
}

/** Places that are about equally hot: ranks from a power of two up to the next. */
interface RankClass {
  readonly firstRank: number;
  readonly ranks: number;
  /** Part of all writes. */
  readonly share: number;
}

/**
 * Writes to places scattered over the memory, the place of rank r with a chance in proportion to r^-skew. Within an octave
 * of ranks all places count as equally hot.
 */
export class Zipf implements Workload {
  readonly #options: ZipfOptions;
  readonly #random: Random;
  /** Which place has which rank. */
  readonly #places: Uint32Array;
  readonly #classes: readonly RankClass[];

  constructor(options: ZipfOptions, random: Random) {
    this.#options = options;
    this.#random = random;
    const count = Math.ceil(options.pages / PLACE_PAGES);
    this.#places = shuffled(count, random);
    this.#classes = classesOf(count, options.skew);
  }

  write(dirtied: PageSet, fromMs: number, toMs: number): void {
    const writes = ((toMs - fromMs) * this.#options.pagesPerSecond) / 1000;
    for (const { firstRank, ranks, share } of this.#classes) {
      hitEvenly(ranks * PLACE_PAGES, writes * share, this.#random, (first, count) => {
        this.#add(dirtied, firstRank * PLACE_PAGES + first, count);
      });
    }
  }

  /** Adds pages that are consecutive by rank, and scattered in memory. */
  #add(dirtied: PageSet, first: number, count: number): void {
    const end = first + count;
    for (let at = first; at < end;) {
      const rank = Math.floor(at / PLACE_PAGES);
      const offset = at - rank * PLACE_PAGES;
      const taken = Math.min(PLACE_PAGES - offset, end - at);
      const page = (this.#places[rank] ?? 0) * PLACE_PAGES + offset;
      dirtied.addRange(page, Math.min(taken, this.#options.pages - page));
      at += taken;
    }
  }
}

function shuffled(count: number, random: Random): Uint32Array {
  const places = Uint32Array.from({ length: count }, (_, place) => place);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const kept = places[last] ?? 0;
    places[last] = places[other] ?? 0;
    places[other] = kept;
  }
  return places;
}

function classesOf(count: number, skew: number): RankClass[] {
  const classes: RankClass[] = [];
  let sum = 0;
  for (let firstRank = 0; firstRank < count; firstRank = 2 * firstRank + 1) {
    const ranks = Math.min(firstRank + 1, count - firstRank);
    let share = 0;
    for (let rank = firstRank; rank < firstRank + ranks; rank++) share += (rank + 1) ** -skew;
    sum += share;
    classes.push({ firstRank, ranks, share });
  }
  return classes.map((one) => ({ ...one, share: one.share / sum }));
}
