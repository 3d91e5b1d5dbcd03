import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NumberTable } from '../../src/files/number-table.js';

const number = fc.oneof(
  fc.nat(50),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
  // Addresses of the kernel's.
  fc.integer({ min: 0, max: 2 ** 30 }).map((eighth) => -(2 ** 47) + eighth * 8),
);

test('finds each number where it was added first', () => {
  fc.assert(
    fc.property(fc.array(number, { maxLength: 3000 }), fc.array(number), (added, others) => {
      const table = new NumberTable(10_000);
      const expected = new Map<number, number>();
      for (const value of added) {
        if (!expected.has(value)) expected.set(value, expected.size);
        expect(table.add(value)).toBe(expected.get(value));
      }
      for (const value of [...added, ...others]) expect(table.find(value)).toBe(expected.get(value) ?? -1);
      expect([...table.values]).toEqual([...expected.keys()]);
      expect(table.count).toBe(expected.size);
    }),
    { numRuns: 60 },
  );
});

test('takes no more than it should', () => {
  const table = new NumberTable(2);
  expect([5, 6, 7, 5].map((value) => table.add(value))).toEqual([0, 1, -1, 0]);
});

test('takes hundreds of thousands that lie at even distances', () => {
  const table = new NumberTable(2 ** 20);
  const count = 300_000;
  for (let index = 0; index < count; index++) table.add(-(2 ** 46) + index * 1096);
  expect(table.count).toBe(count);
  expect(table.find(-(2 ** 46) + 1096 * 123_456)).toBe(123_456);
});
