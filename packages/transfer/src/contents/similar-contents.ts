import type { PageWords } from '../page-delta.js';
import { BLOCK_SAMPLES, SAMPLES, samplePage } from './page-samples.js';

const WAYS = 2;
/** A whole half is sure to be spared, a block only makes it likely for what is around it. */
const BLOCK_WEIGHT = 1;
const HALF_WEIGHT = 2;
const MOST_WEIGHT = BLOCK_SAMPLES * BLOCK_WEIGHT + 2 * HALF_WEIGHT;
const FIRST_HALF = BLOCK_SAMPLES;
const SECOND_HALF = BLOCK_SAMPLES + 1;

/** Of the page that is looked at. */
const hashes = new Uint32Array(SAMPLES);
const wanted = new Uint16Array(SAMPLES);

/**
 * Finds among numbered contents of pages the one that resembles a page most: the one with which it shares most sampled
 * blocks of 64 bytes at the same place ("Live gang migration of virtual machines", Deshpande et al., HPDC 2011, after
 * Difference Engine, OSDI 2008), or a half of the page, at the same or at the other place.
 *
 * It takes 48 bytes a slot: eight samples, of each of which there are 16 bits with the slot and a place in a table from
 * hashes to slots. In the table the newest ones drive out the oldest, and it may name slots that have another content
 * by now: what counts is what is kept with the slot.
 */
export class SimilarContents {
  /** By slot: 16 bits of the hash of each sample, 0 where there is none. */
  readonly #tags: Uint16Array;
  /** By hash: the slots, plus one, that were added last. 0 is none. */
  readonly #table: Uint32Array;
  readonly #sets: number;

  /** @param slots contents that there may be at a time; they are numbered from 0 on */
  constructor(slots: number) {
    this.#tags = new Uint16Array(slots * SAMPLES);
    this.#table = new Uint32Array(slots * SAMPLES);
    this.#sets = this.#table.length / WAYS;
  }

  /** Bytes that the index takes. */
  get bytes(): number {
    return this.#tags.byteLength + this.#table.byteLength;
  }

  /** The slot has this content from now on, and no other one. */
  add(slot: number, page: PageWords): void {
    samplePage(page, hashes);
    const own = slot * SAMPLES;
    for (let sample = 0; sample < SAMPLES; sample++) {
      const hash = hashes[sample] ?? 0;
      this.#tags[own + sample] = tagOf(hash);
      if (hash !== 0) this.#remember(hash, slot);
    }
  }

  /** The slot has no content any more. */
  remove(slot: number): void {
    this.#tags.fill(0, slot * SAMPLES, (slot + 1) * SAMPLES);
  }

  /**
   * The slot whose content seems to have most in common with the page, -1 if none seems to have anything. By hashes
   * alone: the caller compares the contents.
   */
  find(page: PageWords): number {
    samplePage(page, hashes);
    for (let sample = 0; sample < SAMPLES; sample++) wanted[sample] = tagOf(hashes[sample] ?? 0);
    let best = -1;
    let most = 0;
    for (let sample = 0; sample < SAMPLES; sample++) {
      const hash = hashes[sample] ?? 0;
      if (hash === 0) continue;
      const set = this.#setOf(hash);
      for (let place = set; place < set + WAYS; place++) {
        const slot = (this.#table[place] ?? 0) - 1;
        if (slot === -1 || slot === best) continue;
        const weight = this.#weigh(slot);
        if (weight === MOST_WEIGHT) return slot;
        if (weight <= most) continue;
        most = weight;
        best = slot;
      }
    }
    return best;
  }

  #remember(hash: number, slot: number): void {
    const set = this.#setOf(hash);
    const newest = this.#table[set] ?? 0;
    if (newest === slot + 1) return;
    this.#table[set + 1] = newest;
    this.#table[set] = slot + 1;
  }

  /** How much the slot's content has in common with the page that is looked for. */
  #weigh(slot: number): number {
    const own = slot * SAMPLES;
    let weight = 0;
    for (let sample = 0; sample < BLOCK_SAMPLES; sample++) {
      const tag = wanted[sample];
      if (tag !== 0 && tag === this.#tags[own + sample]) weight += BLOCK_WEIGHT;
    }
    for (let half = FIRST_HALF; half <= SECOND_HALF; half++) {
      const tag = wanted[half];
      if (tag === 0) continue;
      if (tag === this.#tags[own + FIRST_HALF] || tag === this.#tags[own + SECOND_HALF])
        weight += HALF_WEIGHT;
    }
    return weight;
  }

  /** The high bits choose the set: the tag is made of the low ones. */
  #setOf(hash: number): number {
    return Math.floor((hash / 0x1_0000_0000) * this.#sets) * WAYS;
  }
}

/** 0 only where there is no sample. */
function tagOf(hash: number): number {
  return hash === 0 ? 0 : hash & 0xffff || 1;
}
