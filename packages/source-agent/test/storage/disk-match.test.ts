import { expect, test } from 'vitest';
import { DiskMatch } from '../../src/storage/disk-match.js';

const GIB = 2 ** 30;
const disk = { name: 'vda', bytes: GIB };

test('a disk of another length is not tried', () => {
  expect(new DiskMatch(disk, [{ name: 'disk', bytes: 2 * GIB }]).state).toBe('different');
});

test('a disk whose blocks have what the cache says is the one', () => {
  const match = new DiskMatch(disk, [
    { name: 'a', bytes: 2 * GIB },
    { name: 'b', bytes: GIB },
  ]);
  expect(match.number).toBe(1);
  expect(match.state).toBe('untried');
  match.tried();
  expect(match.state).toBe('trying');
  match.settled(1, 32, 10);
  expect(match.state).toBe('shared');
});

test('of several disks of one length the next one is tried when one is another', () => {
  const match = new DiskMatch(disk, [
    { name: 'a', bytes: GIB },
    { name: 'b', bytes: GIB },
  ]);
  match.tried();
  match.settled(0, 32, 32);
  expect(match).toMatchObject({ state: 'untried', number: 1 });
  match.tried();
  match.settled(1, 32, 31);
  expect(match).toMatchObject({ state: 'different', number: undefined });
});

test('what is heard of a disk that is no longer tried says nothing about the next one', () => {
  const match = new DiskMatch(disk, [
    { name: 'a', bytes: GIB },
    { name: 'b', bytes: GIB },
  ]);
  match.tried();
  match.settled(0, 32, 32);
  match.tried();
  match.settled(0, 32, 0);
  expect(match.state).toBe('trying');
});

test('a disk that has other blocks more and more is left', () => {
  const match = new DiskMatch(disk, [{ name: 'a', bytes: GIB }]);
  match.tried();
  match.settled(0, 32, 0);
  match.settled(0, 256, 256);
  expect(match.state).toBe('shared');
  match.settled(0, 256, 256);
  expect(match.state).toBe('different');
});

test('a disk of which nothing is heard is tried again', () => {
  const match = new DiskMatch(disk, [{ name: 'a', bytes: GIB }]);
  match.tried();
  match.forgotten();
  expect(match.state).toBe('untried');
});
