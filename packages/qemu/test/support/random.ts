/** The same numbers in every run: a linear congruential generator (Numerical Recipes). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 ≤ number < limit ≤ 2^32 */
  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  fill(bytes: Buffer): void {
    for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.writeUInt32LE(this.below(2 ** 32), at);
  }

  shuffle<T>(values: readonly T[]): T[] {
    return values
      .map((value) => ({ value, rank: this.below(2 ** 32) }))
      .sort((left, right) => left.rank - right.rank)
      .map(({ value }) => value);
  }
}
