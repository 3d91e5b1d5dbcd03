const FREE = 0;

/**
 * Finds slots by the 64-bit hash of their content: an open-addressing table with linear probing, at most half full.
 * It takes 8 bytes a slot for the hashes and between 8 and 16 for the table. Several slots may have one hash.
 */
export class ContentIndex {
  /** Slot numbers plus one; {@link FREE}, where there is none. */
  readonly #table: Uint32Array;
  readonly #mask: number;
  /** Two words for each slot, the low one first. */
  readonly #hashes: Uint32Array;
  #low = 0;
  #high = 0;
  #at = 0;

  constructor(slots: number) {
    const places = 2 ** Math.ceil(Math.log2(Math.max(slots * 2, 2)));
    this.#table = new Uint32Array(places);
    this.#mask = places - 1;
    this.#hashes = new Uint32Array(slots * 2);
  }

  /** Begins a search for slots with this hash. */
  seek(low: number, high: number): void {
    this.#low = low;
    this.#high = high;
    this.#at = low & this.#mask;
  }

  /** The next slot that the search finds; -1 if there is none left. */
  next(): number {
    for (let entry = this.#table[this.#at] ?? FREE; entry !== FREE; entry = this.#table[this.#at] ?? FREE) {
      this.#at = (this.#at + 1) & this.#mask;
      const slot = entry - 1;
      if (this.#hashes[slot * 2] === this.#low && this.#hashes[slot * 2 + 1] === this.#high) return slot;
    }
    return -1;
  }

  /** A slot that is not in the index gets a content with this hash. */
  add(slot: number, low: number, high: number): void {
    this.#hashes[slot * 2] = low;
    this.#hashes[slot * 2 + 1] = high;
    let at = low & this.#mask;
    while (this.#table[at] !== FREE) at = (at + 1) & this.#mask;
    this.#table[at] = slot + 1;
  }

  /** A slot that is in the index loses its content. */
  remove(slot: number): void {
    let at = this.#home(slot);
    while (this.#table[at] !== slot + 1) at = (at + 1) & this.#mask;
    // What follows moves up, unless it would come to stand before where its search begins.
    for (let next = (at + 1) & this.#mask; ; next = (next + 1) & this.#mask) {
      const entry = this.#table[next] ?? FREE;
      if (entry === FREE) break;
      const home = this.#home(entry - 1);
      if (((next - home) & this.#mask) < ((next - at) & this.#mask)) continue;
      this.#table[at] = entry;
      at = next;
    }
    this.#table[at] = FREE;
  }

  #home(slot: number): number {
    return (this.#hashes[slot * 2] ?? 0) & this.#mask;
  }
}
