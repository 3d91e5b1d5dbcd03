import { seededRandom } from '../../../simulator/src/random.js';

/** The same numbers in every run. */
export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  /** 0 ≤ number < limit ≤ 2^32 */
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
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
