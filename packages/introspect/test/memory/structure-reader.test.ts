import { expect, test } from 'vitest';
import { PhysicalMemory } from '../../src/memory/physical-memory.js';
import { StructureReader } from '../../src/memory/structure-reader.js';
import { VirtualMemory } from '../../src/memory/virtual-memory.js';
import { FakeImage } from '../support/fake-image.js';
import { FakePageTables } from '../support/fake-page-tables.js';

const bytes = Buffer.alloc(8 * 2 ** 20);
const base = 0xffff_8880_0000_0000n;
/** The same, from 2^64 downwards. */
const start = Number(base - 2n ** 64n);
let reads: number[] = [];

/** All memory is mapped at the same distance, up to 4 MiB behind its end. */
function reader(windowBytes?: number): StructureReader {
  reads = [];
  const tables = new FakePageTables(new FakeImage(bytes, 4096, base), 4);
  for (let part = 0; part < 6; part++) tables.map(base + BigInt(part * 2 ** 21), part * 2 ** 21, 2);
  const memory = new PhysicalMemory({
    ranges: [{ start: 0, length: bytes.length }],
    read(address, target) {
      if (target.length < 4096 || address >= 2 ** 20) reads.push(target.length);
      target.set(bytes.subarray(address, address + target.length));
    },
  });
  return new StructureReader(new VirtualMemory(memory, tables.root, 4), windowBytes);
}

test('reads numbers, pointers and text of a structure', () => {
  const at = 2 ** 20;
  bytes.writeBigUInt64LE(0xffff_8880_1234_5678n, at);
  bytes.writeUInt32LE(0xfedc_ba98, at + 8);
  bytes.writeBigUInt64LE(2n ** 53n - 1n, at + 16);
  bytes.write('vda\0rest', at + 24);
  const structure = reader();
  expect(structure.seek(start + at, 32)).toBe(true);
  expect(structure.pointer(0)).toBe(start + 0x1234_5678);
  expect(structure.address(0)).toBe(0xffff_8880_1234_5678n);
  expect([structure.u8(8), structure.u16(8), structure.u32(8)]).toEqual([0x98, 0xba98, 0xfedc_ba98]);
  expect(structure.u64(16)).toBe(2 ** 53 - 1);
  expect([structure.text(24, 8), structure.text(24, 2)]).toEqual(['vda', 'vd']);
  const copy = new Uint8Array(3);
  structure.copy(24, copy);
  expect(Buffer.from(copy).toString()).toBe('vda');
});

test('reads what lies around a structure once, and what goes beyond that by itself', () => {
  const structure = reader(16 * 1024);
  const at = 2 ** 20;
  expect(structure.seek(start + at + 8192, 1000)).toBe(true);
  expect(structure.seek(start + at, 1000)).toBe(true);
  expect(reads).toEqual([16 * 1024]);
  bytes[at + 16 * 1024 - 8] = 42;
  expect(structure.seek(start + at + 16 * 1024 - 8, 1000)).toBe(true);
  expect(structure.u8(0)).toBe(42);
  expect(reads).toEqual([16 * 1024, 1000]);
});

test('is where it was told to go, also in a window that it has', () => {
  const structure = reader(4096);
  const at = 2 ** 20 + 4096;
  const places = [0, 800, 8, 4000];
  for (const offset of places) bytes.writeUInt32LE(offset + 1, at + offset);
  for (const offset of places) {
    expect(structure.seek(start + at + offset, 64)).toBe(true);
    expect(structure.u32(0)).toBe(offset + 1);
  }
  expect(reads).toEqual([4096]);
});

test.each([
  ['zero', 0],
  ['of a process', 2 ** 40],
  ['not at a multiple of 8', start + 2 ** 20 + 4],
  ['not mapped', start - 2 ** 30],
  ['mapped to no memory', start + bytes.length + 4096],
  ['no number', NaN],
])('goes to no address that is %s', (_title, address) => {
  expect(reader(4096).seek(address, 8)).toBe(false);
});

test('reads up to the end of memory where its surroundings go beyond', () => {
  const structure = reader(16 * 1024);
  expect(structure.seek(start + bytes.length - 8, 8)).toBe(true);
  expect(structure.seek(start + bytes.length - 8, 16)).toBe(false);
});

test('reads no structure that is longer than any', () => {
  expect(reader().seek(start + 2 ** 20, 2 ** 20)).toBe(false);
});
