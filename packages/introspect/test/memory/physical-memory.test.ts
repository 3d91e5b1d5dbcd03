import { expect, test } from 'vitest';
import { PhysicalMemory } from '../../src/memory/physical-memory.js';

const page = 4096;

/** Two ranges next to each other, and one behind a hole; each byte is the number of its page. */
function memory(): PhysicalMemory {
  const ranges = [
    { start: page, length: page },
    { start: 2 * page, length: page },
    { start: 8 * page, length: 2 * page },
  ];
  return new PhysicalMemory({
    ranges,
    read(address, target) {
      expect(
        ranges.some(({ start, length }) => address >= start && address + target.length <= start + length),
      ).toBe(true);
      for (let index = 0; index < target.length; index++)
        target[index] = Math.floor((address + index) / page);
    },
  });
}

test('reads over the seam of two ranges', () => {
  const target = new Uint8Array(4);
  expect(memory().read(2 * page - 2, target)).toBe(true);
  expect([...target]).toEqual([1, 1, 2, 2]);
});

test.each([0, page - 1, 3 * page - 3, 7 * page, 10 * page - 3, 2 ** 52, -page, NaN])(
  'reads nothing that is not RAM all through: 4 bytes at %d',
  (address) => {
    expect(memory().read(address, new Uint8Array(4))).toBe(false);
  },
);

test('counts pages over all ranges', () => {
  expect(memory().pageCount).toBe(4);
  expect([0, 1, 2, 3, 7, 8, 9, 10].map((frame) => memory().indexOfFrame(frame))).toEqual([
    -1, 0, 1, -1, -1, 2, 3, -1,
  ]);
});
