import { beforeEach, describe, expect, test } from 'vitest';
import { openGuest, pageClass, type LinuxGuest } from '@pageferry/introspect';
import { FakeLinux, FakeMemory } from './support/fake-linux.js';

let memory: FakeMemory;
let linux: FakeLinux;
let guest: LinuxGuest;
let classes: Uint8Array;
let taken: number[];

/** Two blocks within one group of pages, and one in another. */
const blocks = [
  { frame: 2048, order: 3 },
  { frame: 2080, order: 4 },
  { frame: 3072, order: 5 },
] as const;
const behindHole = { frame: 16_384 + 8, place: 4096 + 8 };

beforeEach(async () => {
  memory = new FakeMemory();
  linux = new FakeLinux(memory);
  for (const { frame, order } of blocks) linux.writeFreeBlock(frame, order);
  linux.writeFreeBlock(behindHole.frame, 3);
  const opened = await openGuest(memory);
  if (opened.kind === 'unsupported') throw new Error(opened.reason);
  guest = opened;
  const looked = await guest.classify();
  if (looked.kind === 'unsupported') throw new Error(looked.reason);
  classes = looked.classes;
  taken = [];
});

const placeOfStruct = (frame: number): number => Math.floor(linux.pagePlace(frame) / 4096);

function recheck(writtenPlaces: readonly number[]): string | undefined {
  const answer = guest.recheckFree(classes, {
    isWritten: (place) => writtenPlaces.includes(place),
    onTaken: (place) => taken.push(place),
  });
  return answer?.reason;
}

const freePages = (): number => classes.filter((value) => value === pageClass.free).length;

describe('what was free when it was classified', () => {
  test('is believed to be so where no description of a page was written', () => {
    const before = freePages();
    linux.writePage(2048, {});
    expect(recheck([])).toBeUndefined();
    expect(taken).toEqual([]);
    expect(freePages()).toBe(before);
  });

  test('is looked at again where a description was written, page by page', () => {
    linux.writeFreeBlock(2048, 2);
    for (let frame = 2052; frame < 2056; frame++) linux.writePage(frame, {});
    expect(recheck([placeOfStruct(2052)])).toBeUndefined();
    expect(taken).toEqual([2052, 2053, 2054, 2055]);
    expect(classes[2051]).toBe(pageClass.free);
    expect(classes[2052]).toBe(pageClass.kernel);
    expect(classes[2080]).toBe(pageClass.free);
  });

  test('is taken with its whole block when the description of the first page says so, wherever that is', () => {
    linux.writePage(3072, {});
    expect(recheck([placeOfStruct(3072)])).toBeUndefined();
    expect(taken).toEqual(Array.from({ length: 32 }, (_, page) => 3072 + page));
  });

  test('is found behind a hole of the memory', () => {
    linux.writePage(behindHole.frame, {});
    recheck([placeOfStruct(behindHole.frame)]);
    expect(taken).toEqual(Array.from({ length: 8 }, (_, page) => behindHole.place + page));
  });

  test('stays what it was if its description was written, and says the same', () => {
    const before = freePages();
    recheck(blocks.map(({ frame }) => placeOfStruct(frame)));
    expect(taken).toEqual([]);
    expect(freePages()).toBe(before);
  });

  test('does not become free by being freed meanwhile', () => {
    const before = freePages();
    linux.writeFreeBlock(2112, 2);
    recheck([placeOfStruct(2112)]);
    expect(freePages()).toBe(before);
  });

  test('cannot be believed of another kernel', () => {
    linux.image.put64(linux.image.physical('mem_section'), 0n);
    expect(recheck([])).toMatch(/stale copy/);
  });
});

test('classes of another number of pages are refused', () => {
  expect(() =>
    guest.recheckFree(new Uint8Array(8), { isWritten: () => false, onTaken: () => undefined }),
  ).toThrow(RangeError);
});

test('a look may go into memory that an earlier one has used', async () => {
  const target = new Uint8Array(guest.pageCount).fill(255);
  const looked = await guest.classify({ classes: target });
  expect(looked).toMatchObject({ kind: 'classified' });
  expect(Buffer.from(target).equals(Buffer.from(classes))).toBe(true);
});
