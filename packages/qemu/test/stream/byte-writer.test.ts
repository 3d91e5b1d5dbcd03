import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter } from '../../src/stream/byte-writer.js';

interface Piece {
  readonly write: (writer: ByteWriter) => ByteWriter;
  readonly expected: Uint8Array;
}

const bigEndian = (value: number, bytes: number): Buffer =>
  Buffer.from(value.toString(16).padStart(2 * bytes, '0'), 'hex');

const upTo = (bytes: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** (8 * bytes) - 1 });

const pieceArbitrary: fc.Arbitrary<Piece> = fc.oneof(
  upTo(1).map((value) => ({
    write: (writer: ByteWriter) => writer.u8(value),
    expected: bigEndian(value, 1),
  })),
  upTo(2).map((value) => ({
    write: (writer: ByteWriter) => writer.u16(value),
    expected: bigEndian(value, 2),
  })),
  upTo(4).map((value) => ({
    write: (writer: ByteWriter) => writer.u32(value),
    expected: bigEndian(value, 4),
  })),
  fc
    .maxSafeNat()
    .map((value) => ({ write: (writer: ByteWriter) => writer.u64(value), expected: bigEndian(value, 8) })),
  fc
    .uint8Array({ maxLength: 600 })
    .map((value) => ({ write: (writer: ByteWriter) => writer.bytes(value), expected: value })),
  fc
    .string({ unit: 'grapheme', maxLength: 80 })
    .filter((value) => Buffer.byteLength(value) <= 255)
    .map((value) => ({
      write: (writer: ByteWriter) => writer.countedString(value),
      expected: Buffer.concat([bigEndian(Buffer.byteLength(value), 1), Buffer.from(value)]),
    })),
);

test('writes one thing after the other, whatever room there was at first', () => {
  fc.assert(
    fc.property(fc.array(pieceArbitrary, { maxLength: 30 }), fc.nat(300), (pieces, initialBytes) => {
      const writer = new ByteWriter(initialBytes);
      for (const { write } of pieces) expect(write(writer)).toBe(writer);
      expect(writer.toBuffer()).toEqual(Buffer.concat(pieces.map(({ expected }) => expected)));
    }),
  );
});

test('goes on after its bytes have been asked for, which stay what they were', () => {
  const writer = new ByteWriter(2).u16(0x0102);
  const before = writer.toBuffer();
  expect(writer.u32(0x03040506).toBuffer()).toEqual(Buffer.of(1, 2, 3, 4, 5, 6));
  expect(before).toEqual(Buffer.of(1, 2));
});

test.each<[string, (writer: ByteWriter) => unknown]>([
  ['a u8 of 256', (writer) => writer.u8(256)],
  ['a u16 of 65,536', (writer) => writer.u16(65_536)],
  ['a u32 of 2^32', (writer) => writer.u32(2 ** 32)],
  ['a u64 of 2^64', (writer) => writer.u64(2 ** 64)],
  ['a u64 below zero', (writer) => writer.u64(-1)],
  ['a name of 256 bytes', (writer) => writer.countedString('é'.repeat(128))],
])('refuses %s', (_title, write) => {
  expect(() => write(new ByteWriter())).toThrow(RangeError);
});
