import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { FrameKind, MAX_FRAME_BYTES, decodeControl } from '../src/index.js';
import { isPlainMsgpack } from '../src/plain-msgpack.js';

const packr = new Packr({ useRecords: false, variableMapSize: true });
const SIZE = MAX_FRAME_BYTES - 1;
const violation: unknown = expect.objectContaining({ code: 'protocol-violation' });

const numbers = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
);
const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 8 },
    numbers,
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom(null, true, false),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 20 }),
  ),
}));

test('everything that is plain passes, and nothing of it cut off or with something after it', () => {
  fc.assert(
    fc.property(values, fc.nat(), (value, place) => {
      const packed = packr.pack(value);
      expect(isPlainMsgpack(packed, 0)).toBe(true);
      expect(isPlainMsgpack(packed.subarray(0, place % packed.length), 0)).toBe(false);
      expect(isPlainMsgpack(Buffer.concat([packed, Buffer.of(0)]), 0)).toBe(false);
    }),
  );
});

test('what passes, msgpackr reads', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
      const data = Buffer.from(bytes);
      fc.pre(isPlainMsgpack(data, 0));
      // Keys that are no text are the one thing that it refuses beyond this.
      try {
        packr.unpack(data);
      } catch (error) {
        expect(String(error)).toMatch(/property type/);
      }
    }),
    { numRuns: 5000 },
  );
});

/** An array of arrays, each of which refers to the one before: 2^depth values once someone looks at all of them. */
function unfolding(depth: number): Buffer {
  const id = (type: number, number: number): Buffer => {
    const bytes = Buffer.of(0xd6, type, 0, 0, 0, 0);
    bytes.writeUInt32BE(number, 2);
    return bytes;
  };
  let value: Buffer = Buffer.of(0x90);
  for (let level = 1; level <= depth; level++) {
    const again = level === 1 ? Buffer.of(0x90) : id(0x70, level - 1);
    value = Buffer.concat([id(0x69, level), Buffer.of(0x92), value, again]);
  }
  return Buffer.concat([value, Buffer.of(0)]);
}

function filled(pattern: readonly number[]): Buffer {
  return Buffer.alloc(SIZE, Buffer.from(pattern));
}

function extension(type: number): Buffer {
  const data = Buffer.alloc(SIZE, 0x77);
  data[0] = 0xc9;
  data.writeUInt32BE(SIZE - 6, 1);
  data[5] = type;
  return data;
}

describe('what a stranger may send is refused at once', () => {
  test.each<[string, Buffer]>([
    ['arrays in arrays', filled([0x91])],
    ['maps in maps', filled([0x81])],
    ['arrays that say they are huge', filled([0xdd, 0x01, 0xff, 0xff, 0xff])],
    ['short arrays that say they are large', filled([0xdc, 0xff, 0xff])],
    ['a map that says it has all keys there are', filled([0xdf, 0xff, 0xff, 0xff, 0xff])],
    ['a text that says it is huge', filled([0xdb, 0xff, 0xff, 0xff, 0xff])],
    ['values that refer to each other and unfold without end', unfolding(60)],
    ['a number of a million bytes', extension(0x42)],
    ['text in bundles', extension(0x62)],
    [
      'a definition of a record',
      Buffer.concat([Buffer.of(0xd4, 0x72, 0x40, 0x91), packr.pack('type'), packr.pack('ready')]),
    ],
    ['a regular expression', Buffer.concat([Buffer.of(0xd4, 0x78, 0), packr.pack(['(a+)+$', ''])])],
    ['a date', packr.pack(new Date())],
    ['a set', packr.pack(new Set(['type']))],
    ['bytes', packr.pack(Buffer.of(1, 2, 3))],
    ['undefined', packr.pack(undefined)],
    ['the type that is never used', Buffer.of(0xc1)],
  ])('%s', (_what, data) => {
    expect(() => decodeControl(Buffer.concat([Buffer.of(FrameKind.control), data]))).toThrow(violation);
  });

  test('as many values as a frame can hold', () => {
    const many = Buffer.alloc(SIZE, 0);
    many[0] = 0xdd;
    many.writeUInt32BE(SIZE - 5, 1);
    expect(() => decodeControl(Buffer.concat([Buffer.of(FrameKind.control), many]))).toThrow(violation);
  });

  test('as many different keys as a frame can hold', () => {
    const keys = Object.fromEntries(Array.from({ length: 90_000 }, (_, key) => [`k${key}`, key]));
    expect(() =>
      decodeControl(Buffer.concat([Buffer.of(FrameKind.control), packr.pack({ type: 'ready', ...keys })])),
    ).toThrow(violation);
  });
});
