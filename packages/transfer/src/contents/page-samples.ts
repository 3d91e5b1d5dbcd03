import { PAGE_SIZE } from '../page-layout.js';
import type { PageWords } from '../page-delta.js';

const BLOCK_WORDS = 16;
const HALF_WORDS = PAGE_SIZE / 8;
const SAMPLES_PER_HALF = 3;
/** Blocks among which a sample is looked for: the first one that says something is taken. */
const BLOCKS_PER_SAMPLE = 10;

/** Samples that are a block of 64 bytes, in the order of their places: the first half's, then the second half's. */
export const BLOCK_SAMPLES = 2 * SAMPLES_PER_HALF;
/** Samples that are a half of the page, after those of blocks. */
export const HALF_SAMPLES = 2;
/** Samples of a page. */
export const SAMPLES = BLOCK_SAMPLES + HALF_SAMPLES;

/** Features of a page, one of each half. */
export const FEATURES = 2;

/** Odd numbers with their bits well mixed: those of xxHash32. */
const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;

/**
 * Hashes of parts of a page, by which pages that resemble each other are found: blocks of 64 bytes, together with their
 * place, and both halves, wherever they are. A part of one repeated word is no sample, since many pages have it. Parts that differ
 * may have one hash.
 * @param hashes gets {@link SAMPLES} hashes, 0 where there is no sample
 */
export function samplePage(page: PageWords, hashes: Uint32Array): void {
  for (let half = 0; half < HALF_SAMPLES; half++) {
    const start = page.start + half * HALF_WORDS;
    hashes[BLOCK_SAMPLES + half] = repeatsOneWord(page.words, start, HALF_WORDS)
      ? 0
      : hashHalf(page.words, start);
    for (let sample = 0; sample < SAMPLES_PER_HALF; sample++) {
      hashes[half * SAMPLES_PER_HALF + sample] = sampleBlock(page.words, page.start, blockOf(start, sample));
    }
  }
}

/**
 * By what pages that have nothing in common are told from others: of each half the least hash of its sampled blocks. Equal
 * pages have equal features. Of two halves that have some sampled blocks in common, and others not, the features are equal as
 * often as a block of both is among those of the common ones (Broder, "On the resemblance and containment of documents", 1997).
 * @param features gets {@link FEATURES} hashes, 0 where there is no sample
 */
export function featurePage(page: PageWords, features: Uint32Array): void {
  for (let half = 0; half < FEATURES; half++) {
    const start = page.start + half * HALF_WORDS;
    let least = 0;
    for (let sample = 0; sample < SAMPLES_PER_HALF; sample++) {
      const hash = sampleBlock(page.words, page.start, blockOf(start, sample));
      if (hash !== 0 && (least === 0 || hash < least)) least = hash;
    }
    features[half] = least;
  }
}

/** Where the blocks begin among which a sample of a half is looked for, in words. */
function blockOf(half: number, sample: number): number {
  return half + sample * BLOCKS_PER_SAMPLE * BLOCK_WORDS;
}

function sampleBlock(words: Int32Array, pageStart: number, first: number): number {
  const end = first + BLOCKS_PER_SAMPLE * BLOCK_WORDS;
  for (let block = first; block < end; block += BLOCK_WORDS) {
    if (!repeatsOneWord(words, block, BLOCK_WORDS)) return hashBlock(words, block, block - pageStart);
  }
  return 0;
}

function repeatsOneWord(words: Int32Array, start: number, length: number): boolean {
  const first = words[start];
  for (let at = start + 1; at < start + length; at++) {
    if (words[at] !== first) return false;
  }
  return true;
}

function hashBlock(words: Int32Array, start: number, place: number): number {
  let hash = Math.imul(place + 1, PRIME_3);
  for (let at = start; at < start + BLOCK_WORDS; at++) hash = mix(hash, words[at] ?? 0);
  return finish(hash);
}

/**
 * One word of four says enough: the pages are compared before anything is sent. Four sums by turns, because each
 * multiplication waits for the one before it.
 */
function hashHalf(words: Int32Array, start: number): number {
  let a = PRIME_1;
  let b = PRIME_2;
  let c = PRIME_3;
  let d = 0;
  for (let at = start; at < start + HALF_WORDS; at += 16) {
    a = mix(a, words[at] ?? 0);
    b = mix(b, words[at + 5] ?? 0);
    c = mix(c, words[at + 10] ?? 0);
    d = mix(d, words[at + 15] ?? 0);
  }
  return finish(mix(mix(mix(a, b), c), d));
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, PRIME_1);
  // A multiplication carries bits only upwards: turned, the highest one counts again.
  return (mixed << 13) | (mixed >>> 19);
}

/** Spreads what differs over all bits. Never 0, which means that there is no sample. */
function finish(hash: number): number {
  const first = Math.imul(hash ^ (hash >>> 15), PRIME_2);
  const second = Math.imul(first ^ (first >>> 13), PRIME_3);
  return (second ^ (second >>> 16)) >>> 0 || 1;
}
