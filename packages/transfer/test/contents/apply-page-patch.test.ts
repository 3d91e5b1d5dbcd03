import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, applyPagePatch, encodePagePatch } from '../../src/index.js';
import { edited, noise, pageWords, secondHalf } from '../support/page-words.js';

const WORDS = PAGE_SIZE / 4;
const GUARD = 64;
const GUARDS = Buffer.alloc(GUARD, 0xee);
const CONTENT = noise(1);

/** Applies the patch between other bytes, which have to stay. */
function apply(patch: Uint8Array): Buffer | undefined {
  const around = Buffer.alloc(PAGE_SIZE + 2 * GUARD, 0xee);
  const received = Buffer.concat([Buffer.alloc(3, 0x7f), patch, Buffer.alloc(3, 0x7f)]);
  const made = applyPagePatch(CONTENT, 0, received, 3, patch.length, around, GUARD);
  expect(around.subarray(0, GUARD).equals(GUARDS)).toBe(true);
  expect(around.subarray(GUARD + PAGE_SIZE).equals(GUARDS)).toBe(true);
  return made ? around.subarray(GUARD, GUARD + PAGE_SIZE) : undefined;
}

function number(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >>> 7];
}

/** Copies words from the place they are at. */
function copy(words: number): number[] {
  return number(words * 2);
}

function copyFrom(place: number, words: number): number[] {
  return [...number(words * 2 + 1), ...number(place)];
}

function literal(words: number): number[] {
  return [...number(words), ...new Array<number>(words * 4).fill(0xab)];
}

function makesPage(...parts: number[][]): boolean {
  return apply(Uint8Array.from(parts.flat())) !== undefined;
}

/** A patch of all kinds of steps. */
function goodPatch(): Buffer {
  const moved = Buffer.concat([secondHalf(CONTENT), noise(2).subarray(0, 300), CONTENT], PAGE_SIZE);
  const target = Buffer.alloc(PAGE_SIZE);
  const after = edited(edited(moved, 500, Buffer.alloc(40)), 3500, Buffer.alloc(90));
  const length = encodePagePatch(pageWords(CONTENT), pageWords(after), target, 0, PAGE_SIZE);
  return target.subarray(0, length);
}

describe('applying a patch', () => {
  it('copies from the same place, from another one as long as none is named, and writes new words', () => {
    const page = apply(Uint8Array.from([copyFrom(10, 4), literal(2), copy(WORDS - 6 - 10)].flat()));
    expect(page).toBeUndefined();
    const parts = [copy(3), literal(1), copyFrom(10, 4), literal(2), copy(5), literal(WORDS - 15)];
    const made = apply(Uint8Array.from(parts.flat()));
    const literals = Buffer.alloc(PAGE_SIZE, 0xab);
    const expected = Buffer.concat([
      CONTENT.subarray(0, 12),
      literals.subarray(0, 4),
      CONTENT.subarray(40, 56),
      literals.subarray(0, 8),
      CONTENT.subarray(64, 84),
      literals.subarray(0, (WORDS - 15) * 4),
    ]);
    expect(made?.equals(expected)).toBe(true);
  });

  it('refuses what makes less or more than a page', () => {
    expect(makesPage(copy(WORDS))).toBe(true);
    expect(makesPage(copy(WORDS - 1))).toBe(false);
    expect(makesPage(copy(WORDS - 1), literal(0))).toBe(false);
    expect(makesPage(copy(WORDS - 1), literal(2))).toBe(false);
    expect(makesPage(copy(WORDS + 1))).toBe(false);
    expect(makesPage(copy(WORDS), literal(0))).toBe(false);
    expect(makesPage(copy(0), literal(WORDS), copy(0))).toBe(false);
    expect(makesPage()).toBe(false);
  });

  it('refuses to copy from outside the content', () => {
    const rest = literal(WORDS - 10);
    expect(makesPage(copyFrom(WORDS - 10, 10), rest)).toBe(true);
    expect(makesPage(copyFrom(WORDS - 9, 10), rest)).toBe(false);
    expect(makesPage(copyFrom(16383, 10), rest)).toBe(false);
    // As far away as the step before it.
    expect(makesPage(copyFrom(WORDS - 10, 9), literal(1), copy(1), literal(WORDS - 11))).toBe(false);
  });

  it('refuses numbers that are longer than they need be or too large', () => {
    expect(makesPage([0x80, 0x00], literal(WORDS))).toBe(false);
    expect(makesPage([0x80, 0x80, 0x10])).toBe(false);
  });

  it('refuses a patch that was cut, wherever', () => {
    const patch = goodPatch();
    expect(apply(patch)).toBeDefined();
    for (let length = 0; length < patch.length; length++)
      expect(apply(patch.subarray(0, length))).toBeUndefined();
    expect(apply(Buffer.concat([patch, Buffer.alloc(1)]))).toBeUndefined();
  });

  it('touches nothing but the page, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        apply(bytes);
      }),
      { numRuns: 500 },
    );
    const patch = goodPatch();
    const changes = fc.array(fc.tuple(fc.nat(patch.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(changes, (changed) => {
        const damaged = Buffer.from(patch);
        for (const [at, byte] of changed) damaged[at] = byte;
        apply(damaged);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses buffers that do not hold what they should', () => {
    const patch = Buffer.from(copy(WORDS));
    const page = Buffer.alloc(PAGE_SIZE);
    expect(applyPagePatch(CONTENT, 0, patch, 0, 2, page, 0)).toBe(true);
    expect(applyPagePatch(CONTENT, 1, patch, 0, 2, page, 0)).toBe(false);
    expect(applyPagePatch(CONTENT, -1, patch, 0, 2, page, 0)).toBe(false);
    expect(applyPagePatch(CONTENT, 0, patch, 0, 3, page, 0)).toBe(false);
    expect(applyPagePatch(CONTENT, 0, patch, 1, 2, page, 0)).toBe(false);
    expect(applyPagePatch(CONTENT, 0, patch, 0, -1, page, 0)).toBe(false);
    expect(applyPagePatch(CONTENT, 0, patch, 0, 2, page, 4)).toBe(false);
    expect(applyPagePatch(CONTENT, 0, patch, 0, 2, page, 0.5)).toBe(false);
    expect(applyPagePatch(CONTENT, Number.NaN, patch, 0, 2, page, 0)).toBe(false);
  });
});
