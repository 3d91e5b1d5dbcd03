import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NbdHandshake } from '../../src/block/nbd-handshake.js';
import { ByteWriter } from '../../src/stream/byte-writer.js';
import { cut, cutsArbitrary } from '../support/chunks.js';
import { expectThrown, failureOf } from '../support/expect-error.js';
import {
  exportInformation,
  greeting,
  negotiation,
  optionReply,
  REPLY_ACKNOWLEDGED,
  REPLY_INFORMATION,
} from '../support/nbd-messages.js';

type Heard = readonly ['greeted'] | readonly ['agreed', size: number, readOnly: boolean];

/** What is heard of these chunks, and how many of their bytes come after the negotiation. */
function hear(
  chunks: readonly Buffer[],
  heard: Heard[] = [],
): { readonly heard: readonly Heard[]; readonly rest: number } {
  const handshake = new NbdHandshake({
    greeted: () => heard.push(['greeted']),
    agreed: ({ size, readOnly }) => heard.push(['agreed', size, readOnly]),
  });
  let rest = 0;
  for (const chunk of chunks) rest += chunk.length - handshake.push(chunk, 0, chunk.length);
  return { heard, rest };
}

const otherInformation = fc
  .tuple(fc.integer({ min: 1, max: 0xffff }), fc.uint8Array({ maxLength: 300 }))
  .map(([type, data]) => optionReply(REPLY_INFORMATION, new ByteWriter().u16(type).bytes(data).toBuffer()));

test('understands a server however its bytes are cut, whatever else it tells', () => {
  fc.assert(
    fc.property(
      fc.record({
        size: fc.maxSafeNat(),
        readOnly: fc.boolean(),
        before: fc.array(otherInformation, { maxLength: 3 }),
        after: fc.array(otherInformation, { maxLength: 3 }),
        rest: fc.uint8Array({ maxLength: 100 }),
      }),
      cutsArbitrary,
      ({ size, readOnly, before, after, rest }, cuts) => {
        const stream = Buffer.concat([
          greeting(),
          ...before,
          exportInformation(size, readOnly ? 3 : 1),
          ...after,
          optionReply(REPLY_ACKNOWLEDGED),
          rest,
        ]);
        const expected = { heard: [['greeted'], ['agreed', size, readOnly]], rest: rest.length };
        expect(hear(cut(stream, cuts))).toEqual(expected);
        expect(hear([...stream].map((byte) => Buffer.of(byte)))).toEqual(expected);
      },
    ),
  );
});

test('takes bytes out of the middle of a chunk', () => {
  const stream = negotiation(4096);
  const heard: Heard[] = [];
  const handshake = new NbdHandshake({
    greeted: () => heard.push(['greeted']),
    agreed: ({ size, readOnly }) => heard.push(['agreed', size, readOnly]),
  });
  const chunk = Buffer.concat([Buffer.alloc(10, 1), stream, Buffer.alloc(10, 2)]);
  expect(handshake.push(chunk, 10, chunk.length)).toBe(10 + stream.length);
  expect(heard).toEqual([['greeted'], ['agreed', 4096, true]]);
});

const refusal = (error: number, text: string): Buffer => optionReply(0x8000_0000 + error, Buffer.from(text));
const information = (data: Buffer): Buffer => optionReply(REPLY_INFORMATION, data);

test.each<[string, Buffer[], string]>([
  ['what is no NBD server', [Buffer.from('HTTP/1.1 400 Bad Request\r\n')], 'no greeting'],
  ['an old server', [Buffer.from('NBDMAGIC00420281861253\0\0')], 'no greeting'],
  ['one that does not negotiate in the fixed way', [greeting(0)], 'fixed newstyle'],
  ['one that does not have the export', [greeting(), refusal(6, 'export "x" not present')], 'not present'],
  ['one that does not know the option', [greeting(), refusal(1, '')], 'error 1'],
  [
    'a reply to another option',
    [greeting(), optionReply(REPLY_ACKNOWLEDGED, Buffer.alloc(0), 6)],
    'not sent',
  ],
  ['a reply of an unknown type', [greeting(), optionReply(99)], 'type 99'],
  ['a reply without its magic number', [greeting(), Buffer.alloc(20)], 'magic'],
  ['an agreement without a size', [greeting(), optionReply(REPLY_ACKNOWLEDGED)], 'no size'],
  ['a size that no disk has', [greeting(), exportInformation(0).fill(0xff, 22, 30)], 'an export of'],
  ['a size that is cut off', [greeting(), information(Buffer.alloc(11))], '11 bytes'],
  ['information about nothing', [greeting(), information(Buffer.alloc(1))], 'without a type'],
  ['information that does not end', [greeting(), information(Buffer.alloc(8193))], '8193 bytes'],
])('refuses %s', (_title, messages, text) => {
  expectThrown(() => hear([Buffer.concat(messages)]), 'storage-unreadable', text);
});

test('refuses what would be too long as soon as it says its length', () => {
  const header = optionReply(REPLY_INFORMATION).fill(0xff, 16, 20);
  expectThrown(() => hear([greeting(), header]), 'storage-unreadable', '4294967295 bytes');
});

test('makes sense of any bytes, or refuses them', () => {
  // Bytes out of nowhere, and a server with some bytes changed: those get further.
  const garbled = fc
    .array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 })
    .map((changes) => {
      const stream = negotiation(1 << 30);
      for (const [at, value] of changes) stream[at % stream.length] = value;
      return stream;
    });
  const anything = fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes));
  const afterGreeting = anything.map((bytes) => Buffer.concat([greeting(), bytes]));
  fc.assert(
    fc.property(fc.oneof(anything, afterGreeting, garbled), cutsArbitrary, (stream, cuts) => {
      const whole: Heard[] = [];
      const pieces: Heard[] = [];
      const refused = failureOf(() => hear([stream], whole), 'storage-unreadable');
      expect(failureOf(() => hear(cut(stream, cuts), pieces), 'storage-unreadable')).toBe(refused);
      expect(pieces).toEqual(whole);
    }),
  );
});
