import { FEATURES } from './page-samples.js';

const FREE = 0;
const NONE = -1;
/** The more places there are for each feature, the shorter the searches. */
const PLACES_A_FEATURE = 1.5;
/** A number for each feature, the places for it, and what is known of the page. */
const BYTES_A_PAGE = FEATURES * (4 + 4 * PLACES_A_FEATURE) + 1;

/** Of what is known of a page: bits for those of its features that another page has, too, */
const REPEATED = [1, 2] as const;
/** and one for having features at all. */
const KNOWN = 4;

/** What is known of a page that has nothing in common with any other page: see {@link LonePages}. */
export const LONE = KNOWN;

/**
 * Tells pages that have nothing in common with any other page, by their features (see `featurePage`). What it says may be
 * out of date, or wrong by chance, and so is good for a decision about what is worth a look, and for nothing else.
 *
 * It takes 21 bytes a page: a table with open addressing from each feature to one page that has it, and what is known of
 * each page. A page that is looked at again takes the place of what it was before. What has become of those that had
 * something in common with that is found out when they are looked at again themselves: until then they may be taken for
 * pages that have something in common with others, which costs a look.
 */
export class LonePages {
  /** By page; {@link LONE}, if it has nothing in common with any other. */
  readonly known: Uint8Array;
  /** By entry: {@link FEATURES} for each page, in their order. 0 is none. */
  readonly #features: Uint32Array;
  /** Entries plus one; {@link FREE}, where there is none. */
  readonly #table: Uint32Array;
  /** So that nobody can make up features that are all looked for at one place. */
  readonly #secret: number;
  #count = 0;

  /**
   * @param known a byte a page, all 0: what is known of them is written there
   * @param secret 32 bits that no guest knows
   */
  constructor(known: Uint8Array, secret: number) {
    this.known = known;
    this.#secret = secret;
    const entries = known.length * FEATURES;
    this.#features = new Uint32Array(entries);
    this.#table = new Uint32Array(Math.ceil(entries * PLACES_A_FEATURE) + 1);
  }

  /** What it takes for so many pages, bytes. */
  static bytesFor(pages: number): number {
    return Math.ceil(pages * BYTES_A_PAGE);
  }

  /** Pages that have nothing in common with any other. */
  get count(): number {
    return this.#count;
  }

  /**
   * The page has been looked at.
   * @param features see `featurePage`
   */
  note(page: number, features: Uint32Array): void {
    let known = 0;
    for (let feature = 0; feature < FEATURES; feature++) {
      const value = features[feature] ?? 0;
      const isRepeated = this.#place(page * FEATURES + feature, value);
      if (value !== 0) known |= KNOWN;
      if (isRepeated) known |= REPEATED[feature] ?? 0;
    }
    this.#know(page, known);
  }

  /** These pages have no content any more. */
  forget(first: number, count: number): void {
    for (let page = first; page < first + count; page++) {
      for (let feature = 0; feature < FEATURES; feature++) this.#place(page * FEATURES + feature, 0);
      this.#know(page, 0);
    }
  }

  /** Answers whether another page has this feature, too. */
  #place(entry: number, feature: number): boolean {
    const before = this.#features[entry] ?? 0;
    if (before === 0 && feature === 0) return false;
    const found = this.#find(feature);
    if (before === feature) {
      // Who had it as well may have changed since; what is certain is found out in the next round.
      if (found === NONE) this.#insert(entry, feature);
      else if (found !== entry) this.#markRepeated(found);
      return (found !== NONE && found !== entry) || this.#isRepeated(entry);
    }
    if (this.#find(before) === entry) this.#remove(entry);
    this.#features[entry] = feature;
    if (feature === 0) return false;
    if (found === NONE) this.#insert(entry, feature);
    else this.#markRepeated(found);
    return found !== NONE;
  }

  /** The entry by which a feature is known; -1 if there is none. */
  #find(feature: number): number {
    if (feature === 0) return NONE;
    for (let at = this.#home(feature); ; at = this.#next(at)) {
      const entry = (this.#table[at] ?? FREE) - 1;
      if (entry === NONE || this.#features[entry] === feature) return entry;
    }
  }

  /** There is always a place: the table has more than there are entries. */
  #insert(entry: number, feature: number): void {
    let at = this.#home(feature);
    while (this.#table[at] !== FREE) at = this.#next(at);
    this.#table[at] = entry + 1;
  }

  #remove(entry: number): void {
    let at = this.#homeOf(entry);
    while (this.#table[at] !== entry + 1) at = this.#next(at);
    // What follows moves up, unless it would come to stand before where its search begins.
    for (let next = this.#next(at); this.#table[next] !== FREE; next = this.#next(next)) {
      const moved = this.#table[next] ?? FREE;
      if (this.#distance(this.#homeOf(moved - 1), next) < this.#distance(at, next)) continue;
      this.#table[at] = moved;
      at = next;
    }
    this.#table[at] = FREE;
  }

  #markRepeated(entry: number): void {
    const page = Math.floor(entry / FEATURES);
    this.#know(page, (this.known[page] ?? 0) | (REPEATED[entry % FEATURES] ?? 0));
  }

  #isRepeated(entry: number): boolean {
    const known = this.known[Math.floor(entry / FEATURES)] ?? 0;
    return (known & (REPEATED[entry % FEATURES] ?? 0)) !== 0;
  }

  /** In one step: another thread may be looking. */
  #know(page: number, known: number): void {
    if (this.known[page] === LONE) this.#count--;
    if (known === LONE) this.#count++;
    this.known[page] = known;
  }

  #homeOf(entry: number): number {
    return this.#home(this.#features[entry] ?? 0);
  }

  #home(feature: number): number {
    const first = Math.imul(feature ^ this.#secret, 0x9e3779b1);
    const second = Math.imul(first ^ (first >>> 15), 0x85ebca77);
    const mixed = (second ^ (second >>> 13)) >>> 0;
    return Math.floor((mixed / 0x1_0000_0000) * this.#table.length);
  }

  #next(at: number): number {
    return at + 1 === this.#table.length ? 0 : at + 1;
  }

  /** Steps of {@link #next} from one place to the other. */
  #distance(from: number, to: number): number {
    return to >= from ? to - from : to + this.#table.length - from;
  }
}
