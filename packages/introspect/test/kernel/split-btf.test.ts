import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TypeInformation } from '../../src/kernel/btf.js';
import { Unsupported } from '../../src/unsupported.js';
import { FakeBtf } from '../support/fake-btf.js';

function kernel(): FakeBtf {
  const types = new FakeBtf();
  const int = types.integer('int', 4);
  types.structure('inode', 16, [['i_sb', int, 8]]);
  types.structure('', 8, [['within', int, 4]]);
  return types;
}

function module(base: FakeBtf): FakeBtf {
  const types = new FakeBtf(base);
  // A name that it has first, and one that the kernel has, too.
  types.structure('own', 32, [
    ['i_sb', 1, 24],
    ['member', 1, 0],
    // A structure of the kernel's without a name.
    ['', 3, 8],
  ]);
  types.structure('', 8, [['deep', 1, 4]]);
  types.structure('outer', 64, [['', base.typeCount + 1, 32]]);
  const array = types.array(1, 7);
  types.structure('last', 8, [['list', array, 0]]);
  types.enumeration('numbers', { NONE: -1, inode: 5 });
  return types;
}

function open(): TypeInformation {
  const base = kernel();
  return new TypeInformation(module(base).encode(), new TypeInformation(base.encode()));
}

test("a module's structures have members with names and types of the kernel's, and of its own", () => {
  const types = open();
  expect(types.member('own', 'i_sb')).toEqual({ offset: 24, type: 1 });
  expect(types.member('own', 'member').offset).toBe(0);
  expect(types.member('own', 'within').offset).toBe(12);
  expect(types.member('outer', 'deep').offset).toBe(36);
  expect(types.arrayLength(types.member('last', 'list').type)).toBe(7);
  expect([...types.enumeration('numbers')]).toEqual([
    ['NONE', -1],
    ['inode', 5],
  ]);
  expect(types.structure('outer').bytes).toBe(64);
});

test("the kernel's own structures are found, too", () => {
  const types = open();
  expect(types.structure('inode').bytes).toBe(16);
  expect(types.member('inode', 'i_sb').offset).toBe(8);
});

test('what neither describes is missing', () => {
  const types = open();
  expect(() => types.structure('within')).toThrow(/has no within/);
  expect(() => types.structure('nothing')).toThrow(/has no nothing/);
  expect(() => types.member('own', 'deep')).toThrow(/has no deep/);
});

test('a module goes on where the kernel ends', () => {
  const base = kernel();
  const own = module(base);
  const types = open();
  expect(types.typeCount).toBe(own.typeCount);
  expect(types.stringBytes).toBe(own.stringBytes);
});

test('whatever the bytes are, the answer is one or none', () => {
  const base = new TypeInformation(kernel().encode());
  const whole = module(kernel()).encode();
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 5 }), fc.nat(whole.length), (changes, length) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      for (const part of [bytes, bytes.subarray(0, length)]) {
        try {
          const types = new TypeInformation(part, base);
          expect(types.member('own', 'within').offset).toBeGreaterThanOrEqual(0);
          types.enumeration('numbers');
          types.arrayLength(types.member('last', 'list').type);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(Unsupported);
        }
      }
    }),
    { numRuns: 2000 },
  );
});
