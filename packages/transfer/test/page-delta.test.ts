import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, encodePageDelta, type PageWords } from '../src/index.js';
import { applyDelta } from './support/apply-delta.js';

const WORDS = PAGE_SIZE / 4;

function wordsOf(page: Buffer): PageWords {
  return { words: new Int32Array(page.buffer, page.byteOffset, WORDS), start: 0 };
}

function pageOf(fill: (index: number) => number): Buffer {
  const page = Buffer.alloc(PAGE_SIZE);
  for (let index = 0; index < PAGE_SIZE; index++) page[index] = fill(index);
  return page;
}

function encode(before: Buffer, after: Buffer, limit = PAGE_SIZE): Buffer | undefined {
  const target = Buffer.alloc(PAGE_SIZE + 64, 0xee);
  const length = encodePageDelta(wordsOf(before), wordsOf(after), target, 7, limit);
  expect(target.subarray(0, 7).every((byte) => byte === 0xee)).toBe(true);
  expect(target.subarray(7 + Math.max(length, 0, limit)).every((byte) => byte === 0xee)).toBe(true);
  return length === -1 ? undefined : target.subarray(7, 7 + length);
}

const patches = fc.array(
  fc.record({ at: fc.nat(PAGE_SIZE - 1), bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }) }),
  { maxLength: 12 },
);

describe('a delta of a page', () => {
  it('makes the new page out of the old one', () => {
    fc.assert(
      fc.property(fc.nat(255), patches, (seed, changes) => {
        const before = pageOf((index) => (index * 7 + seed) & 0xff);
        const after = Buffer.from(before);
        for (const { at, bytes } of changes) after.set(bytes.subarray(0, PAGE_SIZE - at), at);
        const delta = encode(before, after);
        if (delta === undefined) return;
        const applied = Buffer.from(before);
        applyDelta(applied, delta);
        expect(applied.equals(after)).toBe(true);
      }),
    );
  });

  it('is empty if nothing changed', () => {
    const page = pageOf((index) => index & 0xff);
    expect(encode(page, Buffer.from(page))).toHaveLength(0);
  });

  it('of a single byte takes a few bytes, wherever it is', () => {
    const before = pageOf(() => 0xaa);
    for (const at of [0, 1, 3, 4, 127, 128, 4091, 4092, 4095]) {
      const after = Buffer.from(before);
      after[at] = 0x55;
      const delta = encode(before, after) ?? Buffer.alloc(0);
      expect(delta.length).toBeGreaterThan(0);
      expect(delta.length).toBeLessThanOrEqual(8);
      const applied = Buffer.from(before);
      applyDelta(applied, delta);
      expect(applied.equals(after)).toBe(true);
    }
  });

  it('is none if the page changed altogether, or more than the limit allows', () => {
    const before = pageOf((index) => index & 0xff);
    expect(
      encode(
        before,
        pageOf((index) => ~index & 0xff),
      ),
    ).toBeUndefined();
    const half = Buffer.from(before);
    for (let index = 0; index < PAGE_SIZE / 2; index++) half[index] = ~index & 0xff;
    expect(encode(before, half, PAGE_SIZE / 2)).toBeUndefined();
    expect(encode(before, half, PAGE_SIZE / 2 + 8)).toBeDefined();
  });
});
