import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimilarContents } from '../../src/contents/similar-contents.js';
import { PAGE_SIZE } from '../../src/index.js';
import { edited, firstHalf, noise, pageWords, secondHalf } from '../support/page-words.js';

const SLOTS = 32;

function indexOf(...pages: Buffer[]): SimilarContents {
  const index = new SimilarContents(SLOTS);
  for (const [slot, page] of pages.entries()) index.add(slot, pageWords(page));
  return index;
}

function find(index: SimilarContents, page: Buffer): number {
  return index.find(pageWords(page));
}

describe('the index of similar contents', () => {
  it('finds nothing while it is empty, and nothing that resembles nothing', () => {
    expect(find(new SimilarContents(SLOTS), noise(1))).toBe(-1);
    expect(find(new SimilarContents(0), noise(1))).toBe(-1);
    expect(find(indexOf(noise(1), noise(2)), noise(3))).toBe(-1);
  });

  it('finds the content with a few edits among others', () => {
    const changes = fc.array(fc.tuple(fc.nat(PAGE_SIZE - 1), fc.uint8Array({ maxLength: 40 })), {
      maxLength: 2,
    });
    // With room enough, so that none was driven out of the table.
    const index = new SimilarContents(SLOTS * 8);
    for (let slot = 0; slot < SLOTS; slot++) index.add(slot, pageWords(noise(slot)));
    fc.assert(
      fc.property(fc.nat(SLOTS - 1), changes, (slot, changed) => {
        const page = changed.reduce<Buffer>((edit, [at, bytes]) => edited(edit, at, bytes), noise(slot));
        expect(find(index, page)).toBe(slot);
      }),
    );
  });

  it('prefers the content with more in common', () => {
    const page = noise(1);
    const little = edited(page, 600, noise(2).subarray(600));
    const much = edited(page, 3000, noise(3).subarray(0, 500));
    expect(find(indexOf(little, much), page)).toBe(1);
    expect(find(indexOf(much, little), page)).toBe(0);
  });

  it('finds a half in the same and in the other half', () => {
    const page = noise(1);
    const other = noise(2);
    for (const half of [firstHalf(page), secondHalf(page)]) {
      expect(find(indexOf(other, Buffer.concat([half, firstHalf(noise(3))])), page)).toBe(1);
      expect(find(indexOf(other, Buffer.concat([firstHalf(noise(3)), half])), page)).toBe(1);
    }
  });

  it('sees nothing in common in parts of one repeated word', () => {
    const zeroes = Buffer.alloc(PAGE_SIZE);
    const patterns = Buffer.alloc(PAGE_SIZE, 'poisoned'.slice(0, 4));
    expect(find(indexOf(zeroes, patterns), zeroes)).toBe(-1);
    expect(find(indexOf(zeroes, patterns), patterns)).toBe(-1);
    const sparse = edited(zeroes, 0, firstHalf(noise(1)));
    expect(find(indexOf(sparse), edited(zeroes, 0, firstHalf(noise(2))))).toBe(-1);
  });

  it('finds sparse pages by the little that they have', () => {
    const sparse = edited(Buffer.alloc(PAGE_SIZE), 2500, noise(1).subarray(0, 300));
    expect(find(indexOf(noise(2), sparse), edited(sparse, 3000, Buffer.from([1])))).toBe(1);
  });

  it('tells equal blocks at different places apart', () => {
    const block = noise(1).subarray(0, 64);
    const index = indexOf(edited(noise(2), 0, block));
    expect(find(index, edited(noise(3), 0, block))).toBe(0);
    expect(find(index, edited(noise(3), 640, block))).toBe(-1);
  });

  it('does not find a slot by a content that it no longer has', () => {
    const index = indexOf(noise(1), noise(2));
    index.add(0, pageWords(noise(3)));
    expect(find(index, noise(1))).toBe(-1);
    expect(find(index, noise(3))).toBe(0);
    index.remove(1);
    expect(find(index, noise(2))).toBe(-1);
    index.add(1, pageWords(noise(1)));
    expect(find(index, noise(1))).toBe(1);
  });

  it('finds what is there and nothing else, in any order of additions and removals', () => {
    const steps = fc.array(fc.record({ slot: fc.nat(7), content: fc.nat(15), add: fc.boolean() }), {
      maxLength: 30,
    });
    const pages = Array.from({ length: 16 }, (_, content) => noise(content));
    fc.assert(
      fc.property(steps, (taken) => {
        const index = new SimilarContents(8);
        const contents = new Map<number, number>();
        for (const { slot, content, add } of taken) {
          if (add) {
            index.add(slot, pageWords(pages[content] ?? noise(content)));
            contents.set(slot, content);
          } else {
            index.remove(slot);
            contents.delete(slot);
          }
          const found = find(index, pages[content] ?? noise(content));
          if (add) expect(contents.get(found)).toBe(content);
          else if (found !== -1) expect(contents.get(found)).toBe(content);
        }
      }),
    );
  });

  it('still finds most contents when all slots are taken', () => {
    const slots = 300;
    const index = new SimilarContents(slots);
    for (let slot = 0; slot < slots; slot++) index.add(slot, pageWords(noise(slot)));
    let found = 0;
    for (let slot = 0; slot < slots; slot++) {
      if (find(index, edited(noise(slot), 1000, Buffer.alloc(100))) === slot) found++;
    }
    expect(found).toBeGreaterThan(slots * 0.98);
  });

  it('takes 48 bytes a slot', () => {
    for (const slots of [0, 1, 5, 1000]) expect(new SimilarContents(slots).bytes).toBe(slots * 48);
  });
});
