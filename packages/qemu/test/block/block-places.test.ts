import { expect, test } from 'vitest';
import { sortOutPlaces, type BlockPlaces } from '../../src/block/block-places.js';

const SIZE = 1 << 20;

const placesOf = (offsets: readonly number[]): BlockPlaces => ({
  offsets: Float64Array.from(offsets),
  ids: Uint32Array.from(offsets, (_, index) => 100 + index),
  count: offsets.length,
});

test('leaves places as they are if all are in the image', () => {
  const places = placesOf([SIZE - 4096, 0, 512]);
  expect(sortOutPlaces(places, SIZE)).toEqual({ inside: places, outside: [] });
});

test.each([
  ['that end behind it', SIZE - 4095 + 511],
  ['far behind it', 2 ** 60],
  ['before it', -512],
  ['within a sector', 511],
  ['that are no numbers', NaN],
])('sorts out blocks %s', (_title, offset) => {
  const { inside, outside } = sortOutPlaces(placesOf([0, offset, 8192, offset]), SIZE);
  expect(outside).toEqual([101, 103]);
  expect(inside.count).toBe(2);
  expect([...inside.offsets.subarray(0, 2)]).toEqual([0, 8192]);
  expect([...inside.ids.subarray(0, 2)]).toEqual([100, 102]);
});

test('looks at no more places than there are', () => {
  const places = { ...placesOf([0, -1]), count: 1 };
  expect(sortOutPlaces(places, SIZE).outside).toEqual([]);
});

test('finds no room in an image that is shorter than a block', () => {
  expect(sortOutPlaces(placesOf([0]), 512).outside).toEqual([100]);
});
