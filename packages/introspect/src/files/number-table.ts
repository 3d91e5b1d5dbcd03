const SMALLEST_BITS = 10;
/** As long a way to a number's place is not met by chance; a guest that knew how numbers are scattered could make it. */
const LONGEST_WAY = 128;

/** Numbers one after the other, each once, and found by their value. Integers, also large and negative ones. */
export class NumberTable {
  #bits = SMALLEST_BITS;
  /** A position among the values, plus one; 0 is an empty place. At least half of them are empty. */
  #places = new Uint32Array(2 ** SMALLEST_BITS);
  #values = new Float64Array(2 ** SMALLEST_BITS / 2);
  #count = 0;
  readonly #most: number;
  /** Odd, and another one each time. */
  readonly #factor = Math.floor(Math.random() * 2 ** 31) * 2 + 1;

  /** @param most how many numbers it takes */
  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return this.#count;
  }

  /** In the order of {@link add}. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.#count);
  }

  /** Its position; -1 if it is not there. */
  find(value: number): number {
    const place = this.#placeOf(value);
    return place === -1 ? -1 : (this.#places[place] ?? 0) - 1;
  }

  /** Its position, now or since before; -1 if there is no room. */
  add(value: number): number {
    const place = this.#placeOf(value);
    if (place === -1) return -1;
    const known = this.#places[place] ?? 0;
    if (known !== 0) return known - 1;
    if (this.#count >= this.#most) return -1;
    this.#values[this.#count++] = value;
    this.#places[place] = this.#count;
    if (this.#count === this.#values.length) this.#grow();
    return this.find(value);
  }

  /** Where a number is or would be; -1 if the way there is too long. */
  #placeOf(value: number): number {
    const mask = this.#places.length - 1;
    const high = Math.floor(value / 2 ** 32) | 0;
    const mixed = Math.imul((value >>> 0) ^ Math.imul(high, 0x85eb_ca6b), this.#factor);
    let place = mixed >>> (32 - this.#bits);
    for (let step = 0; step < LONGEST_WAY; step++) {
      const position = this.#places[place] ?? 0;
      if (position === 0 || this.#values[position - 1] === value) return place;
      place = (place + 1) & mask;
    }
    return -1;
  }

  #grow(): void {
    const longer = new Float64Array(this.#count * 2);
    longer.set(this.#values);
    this.#values = longer;
    this.#bits += 1;
    this.#places = new Uint32Array(2 ** this.#bits);
    for (let position = 0; position < this.#count; position++) {
      const place = this.#placeOf(longer[position] ?? 0);
      if (place !== -1) this.#places[place] = position + 1;
    }
  }
}
