import { PAGE_SIZE, type PageWords } from '../../src/index.js';

const WORDS = PAGE_SIZE / 4;

/** A copy of the page, between other words that do not belong to it. */
export function pageWords(page: Uint8Array): PageWords {
  const words = new Int32Array(WORDS + 16).fill(0x5eed_5eed);
  Buffer.from(words.buffer).set(page, 32);
  return { words, start: 8 };
}

/** A page of bytes that look random, the same ones for a seed. */
export function noise(seed: number): Buffer {
  const page = Buffer.alloc(PAGE_SIZE);
  let state = seed;
  for (let at = 0; at < PAGE_SIZE; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    page.writeInt32LE(Math.imul(state ^ (state >>> 15), 0x2c1b3c6d), at);
  }
  return page;
}

/** The page with other bytes at a place. */
export function edited(page: Buffer, at: number, bytes: Uint8Array): Buffer {
  const after = Buffer.from(page);
  after.set(bytes.subarray(0, PAGE_SIZE - at), at);
  return after;
}

export function firstHalf(page: Buffer): Buffer {
  return page.subarray(0, PAGE_SIZE / 2);
}

export function secondHalf(page: Buffer): Buffer {
  return page.subarray(PAGE_SIZE / 2);
}
