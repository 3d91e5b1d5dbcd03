import { describe, expect, test } from 'vitest';
import { TypeInformation } from '../../src/kernel/btf.js';
import { FakeBtf } from '../support/fake-btf.js';

describe('members', () => {
  test('are found within anonymous structures and unions, at their offset from the outermost one', () => {
    const types = new FakeBtf();
    const int = types.integer('int', 4);
    const inner = types.structure('', 8, [['wanted', int, 4]]);
    const middle = types.structure('', 16, [['', inner, 8]]);
    types.structure('outer', 32, [
      ['first', int, 0],
      ['', middle, 16],
    ]);
    expect(new TypeInformation(types.encode()).member('outer', 'wanted')).toEqual({ offset: 28, type: int });
  });

  test('of a structure within itself are looked for only so long', () => {
    const types = new FakeBtf();
    types.structure('outer', 32, Array(1000).fill(['', 1, 0]));
    expect(() => new TypeInformation(types.encode()).member('outer', 'wanted')).toThrow(/has no wanted/);
  });
});

test('an array says how many elements it has, and nothing else does', () => {
  const types = new FakeBtf();
  const int = types.integer('int', 4);
  const array = types.array(int, 14);
  const information = new TypeInformation(types.encode());
  expect(information.arrayLength(array)).toBe(14);
  expect(() => information.arrayLength(int)).toThrow(/is no array/);
  expect(() => information.arrayLength(99)).toThrow(/is no array/);
});

test('what is not described is missing', () => {
  expect(() => new TypeInformation(new FakeBtf().encode()).enumeration('pageflags')).toThrow(
    /has no pageflags/,
  );
});

test('a type that goes beyond the end is refused', () => {
  const types = new FakeBtf();
  types.structure('outer', 8, [['member', 1, 0]]);
  const bytes = types.encode();
  bytes.writeUInt32LE((4 << 24) | 0xffff, 24 + 4);
  expect(() => new TypeInformation(bytes)).toThrow(/broken/);
});

test('a header that promises more than there is is refused', () => {
  const bytes = new FakeBtf().encode();
  bytes.writeUInt32LE(0xffff_ffff, 20);
  expect(() => new TypeInformation(bytes)).toThrow(/longer than its place/);
});
