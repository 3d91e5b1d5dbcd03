import { writeLength, writeWords } from '../encoded-runs.js';
import { PAGE_SIZE } from '../page-layout.js';
import type { PageWords } from '../page-delta.js';
import { WordPlaces } from './word-places.js';

const WORDS = PAGE_SIZE / 4;
/** A look at some words tells pages with little in common: cheaper than a patch that does not pay. */
const SAMPLE_STRIDE = 16;
const MOST_SAMPLES_CHANGED = 0.75;
/** Words that differ before a run at another place is looked for: most changes are shorter, and then it is the same place. */
const WORDS_BEFORE_SEARCH = 16;
/** Words from one search to the next: a run that began in between is followed back to its beginning. */
const SEARCH_STRIDE = 4;
/** Bytes that the numbers of a step may take: of the words that are copied, where from, and of the words that follow. */
const STEP_NUMBERS = 6;

const places = new WordPlaces();

/**
 * Encodes a page as a patch of another content: steps that copy a run of the content and then write new words, until
 * there is a whole page. A step is
 *
 * - a number, twice the words to copy, plus one if they do not lie as far from the place they are copied to as the step
 *   before had them: at first they lie at the same place;
 * - only in that case a number, the word of the content at which they begin;
 * - unless the page is whole now: a number, how many words follow, and these.
 *
 * Numbers are below 2^14, in LEB128, words of 4 bytes little-endian.
 * @param limit bytes that the patch may have
 * @returns its length in bytes, -1 if it would be longer than the limit or the pages have little in common
 */
export function encodePagePatch(
  before: PageWords,
  after: PageWords,
  target: Buffer,
  offset: number,
  limit: number,
): number {
  let placesTaken = changedAltogether(before, after);
  if (placesTaken) {
    places.take(before);
    if (nothingElsewhere(before, after)) return -1;
  }
  const end = offset + limit;
  let out = offset;
  let at = 0;
  /** Words from a place in the page to the place in the content it is copied from. */
  let shift = 0;
  let moved = false;
  for (;;) {
    const copied = at;
    at = endOfRun(before, after, at, shift);
    if (out + STEP_NUMBERS > end) return -1;
    out = writeLength(target, out, (at - copied) * 2 + (moved ? 1 : 0));
    if (moved) out = writeLength(target, out, copied + shift);
    if (at === WORDS) return out - offset;

    const from = at;
    const furthest = Math.min(WORDS, from + Math.floor((end - out - STEP_NUMBERS) / 4));
    let search = from + WORDS_BEFORE_SEARCH;
    moved = false;
    for (;;) {
      at = endOfChange(before, after, at, Math.min(search, WORDS), shift);
      if (at > furthest) return -1;
      if (at < search) break;
      if (!placesTaken) places.take(before);
      placesTaken = true;
      const place = places.find(before, after, at);
      if (place !== -1) {
        moved = place - at !== shift;
        shift = place - at;
        // The run may have begun before it was looked for.
        at = beginOfRun(before, after, from, at, shift);
        break;
      }
      search += SEARCH_STRIDE;
    }
    out = writeLength(target, out, at - from);
    out = writeWords(after, from, at - from, target, out);
    if (at === WORDS) return out - offset;
  }
}

/** The first word from `from` on that is not as in the content, as far away as it is copied from. */
function endOfRun(before: PageWords, after: PageWords, from: number, shift: number): number {
  const old = before.words;
  const now = after.words;
  const there = before.start + shift;
  const here = after.start;
  const end = Math.min(WORDS, WORDS - shift);
  let at = from;
  while (at < end && old[there + at] === now[here + at]) at++;
  return at;
}

/** The first word from `from` on that is as in the content, and `to` if there is none before it. */
function endOfChange(before: PageWords, after: PageWords, from: number, to: number, shift: number): number {
  const old = before.words;
  const now = after.words;
  const there = before.start + shift;
  const here = after.start;
  const end = Math.min(to, WORDS - shift);
  let at = from;
  while (at < end && old[there + at] !== now[here + at]) at++;
  return at < end ? at : to;
}

function beginOfRun(before: PageWords, after: PageWords, least: number, from: number, shift: number): number {
  let at = from;
  while (at > least && at + shift > 0 && same(before, after, at - 1, shift)) at--;
  return at;
}

function same(before: PageWords, after: PageWords, at: number, shift: number): boolean {
  return before.words[before.start + at + shift] === after.words[after.start + at];
}

function changedAltogether(before: PageWords, after: PageWords): boolean {
  let changed = 0;
  for (let at = 0; at < WORDS; at += SAMPLE_STRIDE) {
    if (!same(before, after, at, 0)) changed++;
  }
  return changed > (WORDS / SAMPLE_STRIDE) * MOST_SAMPLES_CHANGED;
}

function nothingElsewhere(before: PageWords, after: PageWords): boolean {
  let changed = 0;
  for (let at = 0; at < WORDS; at += SAMPLE_STRIDE) {
    if (!same(before, after, at, 0) && places.find(before, after, at) === -1) changed++;
  }
  return changed > (WORDS / SAMPLE_STRIDE) * MOST_SAMPLES_CHANGED;
}
