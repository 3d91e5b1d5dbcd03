import { expect, test } from 'vitest';
import { DiskCourse } from '../../src/storage/disk-course.js';
import { DiskMatch } from '../../src/storage/disk-match.js';

const disk = { name: 'vda', bytes: 2 ** 30 };
const courseOf = (pages: readonly number[]): DiskCourse =>
  new DiskCourse(new DiskMatch(disk, []), {
    disk,
    pages: Uint32Array.from(pages),
    offsets: Float64Array.from(pages, (page) => page * 512),
  });

test('goes on where it has stopped, and then begins anew', () => {
  const course = courseOf([5, 3, 8]);
  const taken: (readonly [number, number])[] = [];
  const take = (page: number, offset: number): boolean => {
    taken.push([page, offset]);
    return true;
  };
  expect(course.goOn(2, take)).toBe(2);
  expect(course.goOn(2, take)).toBe(2);
  expect(taken).toEqual([
    [5, 2560],
    [3, 1536],
    [8, 4096],
    [5, 2560],
  ]);
});

test('looks at each page once in a go, however many are wanted', () => {
  const looked: number[] = [];
  const taken = courseOf([1, 2, 3]).goOn(Infinity, (page) => {
    looked.push(page);
    return page === 2;
  });
  expect(taken).toBe(1);
  expect(looked).toEqual([1, 2, 3]);
});

test('does not go on without room, or without pages', () => {
  const never = (): boolean => {
    throw new Error('nothing is to be taken');
  };
  expect(courseOf([1]).goOn(0, never)).toBe(0);
  expect(courseOf([1]).goOn(-3, never)).toBe(0);
  expect(courseOf([]).goOn(1, never)).toBe(0);
});
