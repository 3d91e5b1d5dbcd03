import { writeLength, writeWords } from './encoded-runs.js';
import { PAGE_SIZE } from './page-layout.js';

const WORDS = PAGE_SIZE / 4;
/** A look at some words tells pages that changed altogether: cheaper than an encoding that does not pay. */
const SAMPLE_STRIDE = 16;
const MOST_SAMPLES_CHANGED = 0.75;

/** A page's content: as many 32-bit words as a page has, from `start` on. */
export interface PageWords {
  readonly words: Int32Array;
  /** words */
  readonly start: number;
}

export function copyPage(from: PageWords, to: PageWords): void {
  for (let at = 0; at < WORDS; at++) to.words[to.start + at] = from.words[from.start + at] ?? 0;
}

/**
 * Encodes what changed in a page as QEMU does (`docs/devel/migration/`, "XBZRLE"; `migration/xbzrle.c`, the decoder):
 * by turns the number of bytes that are as before, the number of bytes that follow, and these bytes.
 * @param limit bytes that the encoding may have
 * @returns its length in bytes, 0 if nothing changed, -1 if it would be longer than the limit
 */
export function encodePageDelta(
  before: PageWords,
  after: PageWords,
  target: Buffer,
  offset: number,
  limit: number,
): number {
  if (changedAltogether(before, after)) return -1;
  const end = offset + limit;
  let out = offset;
  let at = 0;
  for (;;) {
    const sameFrom = at;
    while (at < WORDS && same(before, after, at)) at++;
    if (at === WORDS) return out - offset;
    const from = at;
    while (at < WORDS && !same(before, after, at)) at++;
    const words = at - from;
    if (out + 4 + words * 4 > end) return -1;
    out = writeLength(target, out, (from - sameFrom) * 4);
    out = writeLength(target, out, words * 4);
    out = writeWords(after, from, words, target, out);
  }
}

function same(before: PageWords, after: PageWords, at: number): boolean {
  return before.words[before.start + at] === after.words[after.start + at];
}

function changedAltogether(before: PageWords, after: PageWords): boolean {
  let changed = 0;
  for (let at = 0; at < WORDS; at += SAMPLE_STRIDE) {
    if (!same(before, after, at)) changed++;
  }
  return changed > (WORDS / SAMPLE_STRIDE) * MOST_SAMPLES_CHANGED;
}
