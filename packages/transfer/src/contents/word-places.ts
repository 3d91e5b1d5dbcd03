import { PAGE_SIZE } from '../page-layout.js';
import type { PageWords } from '../page-delta.js';

const WORDS = PAGE_SIZE / 4;
/** Shorter runs at another place take as much room to be named as they spare, and are often there by chance. */
const LEAST_WORDS = 4;
const HASH_BITS = 11;

/**
 * Where pairs of words lie in one page, to find a run of words of another page that lies at another place. What is left
 * of earlier pages does no harm: a place counts only if the words there are the same.
 */
export class WordPlaces {
  /** The first place of a pair, in words, by its hash. */
  readonly #places = new Uint16Array(1 << HASH_BITS);

  /** Takes up the places of this page's words instead of the last one's. */
  take({ words, start }: PageWords): void {
    // Backwards, so that of the places of a repeated word the first one stays, with the longest run behind it.
    for (let at = WORDS - 2; at >= 0; at--) {
      this.#places[hashPair(words[start + at] ?? 0, words[start + at + 1] ?? 0)] = at;
    }
  }

  /**
   * The place in `before`, which was taken up last, of at least four words as they are in `after` from word `at` on; -1 if
   * none is found. The same place and the one in the other half come first.
   */
  find(before: PageWords, after: PageWords, at: number): number {
    if (at + LEAST_WORDS > WORDS) return -1;
    if (startsRun(before, at, after, at)) return at;
    const otherHalf = at ^ (WORDS / 2);
    if (startsRun(before, otherHalf, after, at)) return otherHalf;
    const from = after.start + at;
    const place = this.#places[hashPair(after.words[from] ?? 0, after.words[from + 1] ?? 0)] ?? 0;
    return startsRun(before, place, after, at) ? place : -1;
  }
}

function startsRun(before: PageWords, place: number, after: PageWords, at: number): boolean {
  if (place + LEAST_WORDS > WORDS) return false;
  for (let word = 0; word < LEAST_WORDS; word++) {
    if (before.words[before.start + place + word] !== after.words[after.start + at + word]) return false;
  }
  return true;
}

function hashPair(first: number, second: number): number {
  return Math.imul(Math.imul(first, 0x9e3779b1) ^ second, 0x85ebca77) >>> (32 - HASH_BITS);
}
