import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, applyPagePatch, encodePagePatch } from '../../src/index.js';
import { edited, firstHalf, noise, pageWords, secondHalf } from '../support/page-words.js';

const THREE_QUARTERS = (PAGE_SIZE * 3) / 4;
const UNTOUCHED = Buffer.alloc(PAGE_SIZE + 64, 0xee);

/** The patch, undefined if there is none. Encoded between other bytes, which have to stay. */
function encode(before: Buffer, after: Buffer, limit = THREE_QUARTERS): Buffer | undefined {
  const target = Buffer.from(UNTOUCHED);
  const length = encodePagePatch(pageWords(before), pageWords(after), target, 7, limit);
  expect(length).toBeLessThanOrEqual(limit);
  expect(target.subarray(0, 7).equals(UNTOUCHED.subarray(0, 7))).toBe(true);
  const rest = target.subarray(7 + limit);
  expect(rest.equals(UNTOUCHED.subarray(0, rest.length))).toBe(true);
  return length === -1 ? undefined : target.subarray(7, 7 + length);
}

function apply(before: Buffer, patch: Buffer): Buffer | undefined {
  const page = Buffer.alloc(PAGE_SIZE);
  return applyPagePatch(before, 0, patch, 0, patch.length, page, 0) ? page : undefined;
}

/** The length of the patch, which has to make the page. */
function lengthOf(before: Buffer, after: Buffer, limit?: number): number {
  const patch = encode(before, after, limit);
  if (patch === undefined) return -1;
  expect(apply(before, patch)?.equals(after)).toBe(true);
  return patch.length;
}

const seeds = fc.integer();
const edits = fc.array(
  fc.record({ at: fc.nat(PAGE_SIZE - 1), bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }) }),
  { maxLength: 10 },
);
/** Parts of the old page and new bytes, one after the other, cut to a page. */
const collages = fc.array(
  fc.oneof(
    fc.record({ from: fc.nat(PAGE_SIZE / 4 - 1), words: fc.integer({ min: 1, max: 700 }) }),
    fc.uint8Array({ minLength: 1, maxLength: 400 }),
  ),
  { minLength: 1, maxLength: 12 },
);
/** Pages of few different words, in which everything is found everywhere. */
const poorPages = fc
  .array(fc.record({ word: fc.nat(2), words: fc.integer({ min: 1, max: 300 }) }), {
    minLength: 1,
    maxLength: 30,
  })
  .map((runs) => {
    const page = Buffer.alloc(PAGE_SIZE);
    let at = 0;
    for (const { word, words } of runs) {
      page.fill(word, Math.min(at, PAGE_SIZE), Math.min(at + words * 4, PAGE_SIZE));
      at += words * 4;
    }
    return page;
  });

describe('a patch of a content', () => {
  it('makes the page out of the content, whatever was edited', () => {
    fc.assert(
      fc.property(seeds, edits, (seed, changes) => {
        const before = noise(seed);
        const after = changes.reduce<Buffer>((page, { at, bytes }) => edited(page, at, bytes), before);
        expect(lengthOf(before, after, PAGE_SIZE)).not.toBe(-1);
      }),
    );
  });

  it('makes the page out of parts of the content that lie elsewhere', () => {
    fc.assert(
      fc.property(seeds, collages, (seed, parts) => {
        const before = noise(seed);
        const after = Buffer.concat(
          [
            ...parts.map((part) =>
              'words' in part ? before.subarray(part.from * 4, (part.from + part.words) * 4) : part,
            ),
            noise(seed + 1),
          ],
          PAGE_SIZE,
        );
        lengthOf(before, after);
      }),
    );
  });

  it('makes the page out of a content when both have few different words', () => {
    fc.assert(
      fc.property(poorPages, poorPages, (before, after) => {
        lengthOf(before, after, PAGE_SIZE);
      }),
    );
  });

  it('is a few bytes for the same page, and for one with a small edit', () => {
    const before = noise(1);
    expect(lengthOf(before, before)).toBe(2);
    for (const at of [0, 1, 4, 127, 128, 2047, 2048, 4092, 4095]) {
      const length = lengthOf(before, edited(before, at, Buffer.from([~(before[at] ?? 0)])));
      expect(length).toBeLessThanOrEqual(10);
    }
  });

  it('takes a half from the other half', () => {
    const before = noise(1);
    const other = noise(2);
    const halves = [
      Buffer.concat([secondHalf(before), firstHalf(other)]),
      Buffer.concat([firstHalf(other), firstHalf(before)]),
    ];
    for (const after of halves) expect(lengthOf(before, after)).toBeLessThanOrEqual(PAGE_SIZE / 2 + 12);
    const swapped = Buffer.concat([secondHalf(before), firstHalf(before)]);
    expect(lengthOf(before, swapped)).toBeLessThanOrEqual(10);
  });

  it('names the other place once while edits interrupt what was moved', () => {
    const before = noise(1);
    const swapped = Buffer.concat([secondHalf(before), firstHalf(before)]);
    const after = [100, 600, 1100].reduce<Buffer>((page, at) => edited(page, at, Buffer.alloc(4)), swapped);
    expect(lengthOf(before, after)).toBeLessThanOrEqual(10 + 3 * 8);
  });

  it('follows what moved by a few words, up or down', () => {
    const before = noise(1);
    for (const words of [1, 2, 7]) {
      const longer = Buffer.concat([before.subarray(0, 1000), noise(2).subarray(0, words * 4), before]);
      longer.set(before.subarray(1000), 1000 + words * 4);
      expect(lengthOf(before, longer.subarray(0, PAGE_SIZE))).toBeLessThanOrEqual(words * 4 + 12);
      const shorter = Buffer.concat([before.subarray(0, 1000), before.subarray(1000 + words * 4)]);
      const filled = Buffer.concat([shorter, noise(2).subarray(0, words * 4)]);
      expect(lengthOf(before, filled)).toBeLessThanOrEqual(words * 4 + 12);
      const whole = Buffer.concat([noise(2).subarray(0, words * 4), before], PAGE_SIZE);
      expect(lengthOf(before, whole)).toBeLessThanOrEqual(words * 4 + 12);
    }
  });

  it('takes nothing from beside the content', () => {
    const before = noise(1);
    const beside = Buffer.from(pageWords(before).words.buffer).subarray(0, 32);
    const ahead = Buffer.concat([secondHalf(before), beside, noise(2)], PAGE_SIZE);
    expect(lengthOf(before, ahead)).toBeGreaterThan(PAGE_SIZE / 2);
    const behind = Buffer.concat([noise(2).subarray(0, 512), beside, before], PAGE_SIZE);
    expect(lengthOf(before, behind)).toBeGreaterThan(512 + beside.length);
  });

  it('is none for pages with nothing in common', () => {
    expect(encode(noise(1), noise(2), PAGE_SIZE)).toBeUndefined();
  });

  it('is none if it would be longer than the limit, and one that fits is found up to a few bytes before it', () => {
    const before = noise(1);
    for (const bytes of [4, 200, 1000, 2000]) {
      const after = edited(before, 1200, noise(2).subarray(0, bytes));
      const length = lengthOf(before, after);
      expect(length).toBeGreaterThan(bytes);
      for (let limit = 0; limit < length; limit += 17) expect(encode(before, after, limit)).toBeUndefined();
      expect(encode(before, after, length + 6)).toHaveLength(length);
    }
  });

  it('does not depend on what was encoded before it', () => {
    const before = noise(1);
    const after = Buffer.concat([secondHalf(before), firstHalf(noise(2))]);
    const first = encode(before, after);
    encode(noise(3), Buffer.concat([secondHalf(noise(3)), firstHalf(noise(4))]));
    expect(encode(before, after)).toEqual(first);
  });
});
