import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { FEATURES, LONE, LonePages, PAGE_SIZE, featurePage } from '../../src/index.js';
import { edited, noise, pageWords } from '../support/page-words.js';

const SECRET = 0x1234_5678;

function featuresOf(page: Buffer): Uint32Array {
  const features = new Uint32Array(FEATURES);
  featurePage(pageWords(page), features);
  return features;
}

function indexFor(pages: number, secret = SECRET): LonePages {
  return new LonePages(new Uint8Array(pages), secret);
}

function noteAll(lone: LonePages, pages: readonly Buffer[]): void {
  pages.forEach((page, index) => {
    lone.note(index, featuresOf(page));
  });
}

const lonely = ({ known }: LonePages): number[] =>
  [...known].flatMap((value, page) => (value === LONE ? [page] : []));

describe('features', () => {
  it('are the same for equal pages, wherever they lie, and others for others', () => {
    expect(featuresOf(noise(1))).toEqual(featuresOf(noise(1)));
    expect(featuresOf(noise(1))).not.toEqual(featuresOf(noise(2)));
  });

  it('are none for pages of one repeated word', () => {
    expect([...featuresOf(Buffer.alloc(PAGE_SIZE))]).toEqual([0, 0]);
    expect([...featuresOf(Buffer.alloc(PAGE_SIZE, 0xcc))]).toEqual([0, 0]);
  });

  it('of one half do not depend on the other', () => {
    const page = noise(1);
    const [first, second] = featuresOf(edited(page, PAGE_SIZE / 2, noise(2).subarray(0, PAGE_SIZE / 2)));
    expect(first).toBe(featuresOf(page)[0]);
    expect(second).not.toBe(featuresOf(page)[1]);
  });
});

describe('of pages that were looked at', () => {
  it('those are lone that have nothing in common with any other', () => {
    const lone = indexFor(6);
    const like = edited(noise(3), 3000, Buffer.from('another word'));
    noteAll(lone, [noise(1), noise(2), noise(1), noise(3), like, Buffer.alloc(PAGE_SIZE)]);
    expect(lonely(lone)).toEqual([1]);
    expect(lone.count).toBe(1);
  });

  it('none is lone before, and none that has lost its content', () => {
    const lone = indexFor(3);
    expect(lonely(lone)).toEqual([]);
    noteAll(lone, [noise(1), noise(2)]);
    expect(lonely(lone)).toEqual([0, 1]);
    lone.forget(0, 1);
    expect(lonely(lone)).toEqual([1]);
    expect(lone.count).toBe(1);
  });

  it('one that becomes as another is, is no more, nor is the other', () => {
    const lone = indexFor(3);
    noteAll(lone, [noise(1), noise(2), noise(3)]);
    lone.note(2, featuresOf(noise(1)));
    expect(lonely(lone)).toEqual([1]);
  });

  it('one that changes becomes what it is now', () => {
    const lone = indexFor(2);
    noteAll(lone, [noise(1), noise(1)]);
    expect(lonely(lone)).toEqual([]);
    lone.note(0, featuresOf(noise(2)));
    expect(lonely(lone)).toEqual([0]);
  });
});

/** Few values, so that they collide, and that searches wrap around the end of the table. */
const value = fc.nat(40);
const look = fc.record({ page: fc.nat(19), first: value, second: value });

test('equal pages are never lone once all were looked at twice, whatever they were before', () => {
  fc.assert(
    fc.property(
      fc.array(look, { maxLength: 200 }),
      fc.array(fc.tuple(value, value), { minLength: 20, maxLength: 20 }),
      fc.integer(),
      (looks, contents, secret) => {
        const lone = indexFor(20, secret);
        for (const { page, first, second } of looks) lone.note(page, Uint32Array.of(first, second));
        for (let round = 0; round < 2; round++) {
          contents.forEach(([first, second], page) => {
            lone.note(page, Uint32Array.of(first, second + 100));
          });
        }
        contents.forEach(([first, second], page) => {
          const isShared = contents.some(
            ([otherFirst, otherSecond], other) =>
              other !== page && ((first !== 0 && otherFirst === first) || otherSecond === second),
          );
          if (isShared) expect(lone.known[page]).not.toBe(LONE);
        });
        expect(lone.count).toBe(lonely(lone).length);
      },
    ),
  );
});

test('what was looked at only once is lone exactly if it has nothing in common with the others', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { maxLength: 60 }), fc.integer(), (contents, secret) => {
      const lone = indexFor(contents.length, secret);
      contents.forEach(([first, second], page) => {
        lone.note(page, Uint32Array.of(first, second === 0 ? 0 : second + 100));
      });
      const expected = contents.flatMap(([first, second], page) => {
        const shares = contents.some(
          (other, at) =>
            at !== page && ((first !== 0 && other[0] === first) || (second !== 0 && other[1] === second)),
        );
        return shares || (first === 0 && second === 0) ? [] : [page];
      });
      expect(lonely(lone)).toEqual(expected);
    }),
  );
});

test('it takes at most 24 bytes a page', () => {
  for (const pages of [0, 1, 1000, 12_345_678])
    expect(LonePages.bytesFor(pages)).toBeLessThanOrEqual(pages * 24);
});
