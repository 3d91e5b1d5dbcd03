import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ContentDictionary } from '../../src/contents/content-dictionary.js';
import type { HashBytes } from '../../src/contents/hash-bytes.js';
import { ContentStore } from '../../src/contents/content-store.js';
import { PAGE_SIZE } from '../../src/page-layout.js';

/** Pages that differ only in their last bytes. */
function pages(...contents: readonly number[]): Buffer {
  const bytes = Buffer.alloc(contents.length * PAGE_SIZE, 7);
  contents.forEach((content, page) => bytes.writeUInt32BE(content, (page + 1) * PAGE_SIZE - 4));
  return bytes;
}

const byContent: HashBytes = (bytes) => BigInt(Buffer.from(bytes).readUInt32BE(PAGE_SIZE - 4));
/** As if someone had made all pages up to have one hash. */
const forged: HashBytes = () => 42n;

/** Looks pages up, keeps those that are not known; answers the slots of all of them. */
function send(dictionary: ContentDictionary, bytes: Buffer): number[] {
  const count = bytes.length / PAGE_SIZE;
  dictionary.lookUp(bytes, 0, PAGE_SIZE, count);
  return [...dictionary.slots.subarray(0, count)].map((slot, page) =>
    slot === -1 ? dictionary.keep(page, bytes, page * PAGE_SIZE) : slot,
  );
}

function contentOf(store: ContentStore, slot: number): number {
  const { bytes, offset } = store.content(slot);
  return bytes.readUInt32BE(offset + PAGE_SIZE - 4);
}

test('finds a content that was kept, and only that', () => {
  const dictionary = new ContentDictionary(8 * PAGE_SIZE, byContent);
  const [first] = send(dictionary, pages(1, 2));
  expect(dictionary.lookUp(pages(3, 1), 0, PAGE_SIZE, 2)).toBe(1);
  expect([...dictionary.slots.subarray(0, 2)]).toEqual([-1, first]);
});

test('pages with one hash are told apart by their bytes', () => {
  const dictionary = new ContentDictionary(8 * PAGE_SIZE, forged);
  const slots = send(dictionary, pages(1, 2, 3));
  expect(new Set(slots).size).toBe(3);
  expect(send(dictionary, pages(3, 1, 2))).toEqual([slots[2], slots[0], slots[1]]);
});

test('a store at its bound keeps what was found again, and gives up the oldest of the rest', () => {
  const dictionary = new ContentDictionary(4 * PAGE_SIZE, byContent);
  send(dictionary, pages(1, 2, 3, 4));
  send(dictionary, pages(1));
  send(dictionary, pages(5, 6));
  expect(dictionary.lookUp(pages(1, 2, 3, 4, 5, 6), 0, PAGE_SIZE, 6)).toBe(4);
  expect([...dictionary.slots.subarray(0, 6)].map((slot) => slot !== -1)).toEqual([
    true,
    false,
    false,
    true,
    true,
    true,
  ]);
});

test('without room nothing is kept', () => {
  const dictionary = new ContentDictionary(PAGE_SIZE - 1, byContent);
  expect(send(dictionary, pages(1, 1))).toEqual([-1, -1]);
});

test('a store that is told the same has the same at every moment, whatever is sent and driven out', () => {
  const batch = fc.array(fc.nat(12), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 30 }), fc.nat(6), fc.boolean(), (batches, slots, isForged) => {
      const dictionary = new ContentDictionary(slots * PAGE_SIZE, isForged ? forged : byContent);
      const there = new ContentStore(slots * PAGE_SIZE);
      for (const contents of batches) {
        const bytes = pages(...contents);
        dictionary.lookUp(bytes, 0, PAGE_SIZE, contents.length);
        const found = [...dictionary.slots.subarray(0, contents.length)];
        // References go before what is kept.
        found.forEach((slot, page) => {
          if (slot === -1) return;
          expect(contentOf(there, slot)).toBe(contents[page]);
          expect(there.generation(slot)).toBe(dictionary.store.generation(slot));
        });
        found.forEach((known, page) => {
          if (known !== -1) return;
          const slot = dictionary.keep(page, bytes, page * PAGE_SIZE);
          if (slot !== -1) there.put(slot, bytes, page * PAGE_SIZE);
        });
      }
    }),
    { numRuns: 200 },
  );
});
