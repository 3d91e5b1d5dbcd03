import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReturnPathParser } from '../../src/incoming/return-path-parser.js';
import { ByteWriter } from '../../src/stream/byte-writer.js';
import { ReturnPathMessage } from '../../src/stream/constants.js';
import { cut, cutsArbitrary } from '../support/chunks.js';
import { expectThrown, failureOf } from '../support/expect-error.js';

const BITMAP_END = Buffer.from('0123456789abcdef', 'hex');

type Said = readonly [what: string, ...values: readonly (string | number | Buffer)[]];

interface Message {
  readonly bytes: Buffer;
  /** What the listener hears of it. */
  readonly said: Said | undefined;
}

function encode(type: number, body: Uint8Array, rest: Uint8Array = new Uint8Array(0)): Buffer {
  return new ByteWriter().u16(type).u16(body.length).bytes(body).bytes(rest).toBuffer();
}

const number32 = (value: number): Buffer => new ByteWriter(4).u32(value).toBuffer();
const range = (address: number, bytes: number): Buffer =>
  new ByteWriter(12).u64(address).u32(bytes).toBuffer();

function namedRequest(block: string, address: number, bytes: number): Buffer {
  const body = new ByteWriter().bytes(range(address, bytes)).countedString(block);
  return encode(ReturnPathMessage.requestPagesWithName, body.toBuffer());
}

function receivedPages(block: string, bitmap: Uint8Array, end = BITMAP_END): Buffer {
  const rest = new ByteWriter().u64(bitmap.length).bytes(bitmap).bytes(end);
  return encode(
    ReturnPathMessage.receivedBitmap,
    new ByteWriter().countedString(block).toBuffer(),
    rest.toBuffer(),
  );
}

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const name = fc.string({ minLength: 1, maxLength: 60 });
const address = fc.maxSafeNat();

const messageArbitrary: fc.Arbitrary<Message> = fc.oneof(
  u32.map((value) => ({
    bytes: encode(ReturnPathMessage.pong, number32(value)),
    said: ['pong', value] as const,
  })),
  u32.map((value) => ({
    bytes: encode(ReturnPathMessage.shut, number32(value)),
    said: ['shut', value] as const,
  })),
  fc.tuple(name, address, u32).map(([block, at, bytes]) => ({
    bytes: namedRequest(block, at, bytes),
    said: ['request', block, at, bytes] as const,
  })),
  fc.tuple(name, fc.uint8Array({ maxLength: 300 })).map(([block, bitmap]) => ({
    bytes: receivedPages(block, bitmap),
    said: ['received', block, Buffer.from(bitmap)] as const,
  })),
  u32.map((value) => ({
    bytes: encode(ReturnPathMessage.resumeAck, number32(value)),
    said: ['resumed'] as const,
  })),
  fc.constant({ bytes: encode(ReturnPathMessage.switchoverAck, Buffer.alloc(0)), said: undefined }),
);

/** What a parser says of these chunks. */
function hear(chunks: readonly Buffer[], said: Said[] = []): Said[] {
  const parser = new ReturnPathParser({
    shut: (result) => said.push(['shut', result]),
    pong: (value) => said.push(['pong', value]),
    requestPages: (block, at, bytes) => said.push(['request', block, at, bytes]),
    // The parser may use its memory again.
    receivedPages: (block, bitmap) => said.push(['received', block, Buffer.from(bitmap)]),
    resumed: () => said.push(['resumed']),
  });
  for (const chunk of chunks) parser.push(chunk);
  return said;
}

test('says the same messages however they are cut into chunks', () => {
  fc.assert(
    fc.property(fc.array(messageArbitrary, { maxLength: 30 }), cutsArbitrary, (messages, cuts) => {
      const stream = Buffer.concat(messages.map(({ bytes }) => bytes));
      const expected = messages.flatMap(({ said }) => (said === undefined ? [] : [said]));
      expect(hear(cut(stream, cuts))).toEqual(expected);
      expect(hear([...stream].map((byte) => Buffer.of(byte)))).toEqual(expected);
    }),
  );
});

test('takes a request without a name for one of the block that was named last', () => {
  const unnamed = encode(ReturnPathMessage.requestPages, range(2 ** 40, 4096));
  const stream = [namedRequest('pc.ram', 0, 4096), unnamed, namedRequest('vga.vram', 8192, 4096), unnamed];
  expect(hear(stream)).toEqual([
    ['request', 'pc.ram', 0, 4096],
    ['request', 'pc.ram', 2 ** 40, 4096],
    ['request', 'vga.vram', 8192, 4096],
    ['request', 'vga.vram', 2 ** 40, 4096],
  ]);
});

test('says no message before its last byte is there', () => {
  const stream = receivedPages('pc.ram', Buffer.alloc(1000, 0xa5));
  expect(hear([stream.subarray(0, -1)])).toEqual([]);
});

test.each<[string, Buffer, string]>([
  [
    "a named request without its name's length",
    encode(ReturnPathMessage.requestPagesWithName, range(0, 4096)),
    'a page request of a wrong length',
  ],
  [
    'a request before any block is named',
    encode(ReturnPathMessage.requestPages, range(0, 4096)),
    'before any',
  ],
  [
    'a request whose name is cut off',
    encode(ReturnPathMessage.requestPagesWithName, Buffer.alloc(14, 9)),
    'length',
  ],
  ['a short PONG', encode(ReturnPathMessage.pong, Buffer.alloc(3)), 'too short'],
  ['an unknown message', encode(0x7777, Buffer.alloc(4)), 'type'],
  ['a bitmap without its end mark', receivedPages('pc.ram', Buffer.alloc(8), Buffer.alloc(8)), 'end mark'],
])('refuses %s', (_title, stream, text) => {
  expectThrown(() => hear([stream]), 'incoming-failed', text);
});

test.each<[string, Buffer]>([
  ['a message', new ByteWriter().u16(ReturnPathMessage.pong).u16(513).toBuffer()],
  [
    'a bitmap',
    new ByteWriter()
      .u16(ReturnPathMessage.receivedBitmap)
      .u16(1)
      .u8(0)
      .u64(2 ** 50)
      .toBuffer(),
  ],
])('refuses %s that would be too long, as soon as it says its length', (_title, stream) => {
  expectThrown(() => hear([stream]), 'incoming-failed', 'bytes');
});

test('makes messages of any bytes, or refuses them', () => {
  // Bytes out of nowhere, and messages with some bytes changed: those get further.
  const garbled = fc
    .tuple(
      fc.array(messageArbitrary, { minLength: 1, maxLength: 5 }),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
    )
    .map(([messages, changes]) => {
      const stream = Buffer.concat(messages.map(({ bytes }) => bytes));
      for (const [at, value] of changes) stream[at % stream.length] = value;
      return stream;
    });
  const anything = fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(anything, garbled), cutsArbitrary, (stream, cuts) => {
      const whole: Said[] = [];
      const pieces: Said[] = [];
      const refusedWhole = failureOf(() => hear([stream], whole), 'incoming-failed');
      // Refused or not, the chunks change nothing.
      expect(failureOf(() => hear(cut(stream, cuts), pieces), 'incoming-failed')).toBe(refusedWhole);
      expect(pieces).toEqual(whole);
    }),
  );
});
