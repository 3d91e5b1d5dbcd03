import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PageferryError } from '@pageferry/errors';
import { NbdReplies } from '../../src/block/nbd-replies.js';
import { cut, cutsArbitrary } from '../support/chunks.js';
import { expectThrown, failureOf } from '../support/expect-error.js';
import { simpleReply } from '../support/nbd-messages.js';

interface Reply {
  readonly turn: number;
  readonly error: number;
  readonly data: Uint8Array;
}

type Heard = readonly ['error', slot: number, error: number] | readonly ['data', slot: number, data: Buffer];

/** The slot of each reply is its index. */
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const repliesArbitrary = fc.array(
  fc.record({
    turn: u32,
    error: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 200 })),
    data: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  }),
  { maxLength: 20 },
);

const encode = (replies: readonly Reply[]): Buffer =>
  Buffer.concat(
    replies.map(({ turn, error, data }, slot) =>
      simpleReply({ turn, slot }, error === 0 ? data : new Uint8Array(0), error),
    ),
  );

/** What a parser says of these chunks to one that waits for these replies, each into a buffer that is longer. */
function hear(replies: readonly Reply[], chunks: readonly Buffer[], heard: Heard[] = []): readonly Heard[] {
  let current: (() => void) | undefined;
  const answered = new Set<number>();
  const parser = new NbdReplies({
    replied: (turn, slot, error) => {
      const reply = replies[slot];
      if (reply?.turn !== turn || answered.has(slot)) {
        throw new PageferryError('storage-unreadable', 'no such request');
      }
      answered.add(slot);
      if (error !== 0) {
        heard.push(['error', slot, error]);
        return undefined;
      }
      const { length } = reply.data;
      const buffer = Buffer.alloc(length + 10, 0xee);
      current = () => {
        expect(buffer.subarray(length)).toEqual(Buffer.alloc(10, 0xee));
        heard.push(['data', slot, buffer.subarray(0, length)]);
      };
      return { buffer, length };
    },
    received: () => current?.(),
  });
  for (const chunk of chunks) parser.push(chunk, 0, chunk.length);
  return heard;
}

describe('NbdReplies', () => {
  it('puts the data where they go however the replies are cut into chunks', () => {
    fc.assert(
      fc.property(repliesArbitrary, cutsArbitrary, (replies, cuts) => {
        const stream = encode(replies);
        const expected = replies.map(({ error, data }, slot) =>
          error === 0 ? ['data', slot, Buffer.from(data)] : ['error', slot, error],
        );
        expect(hear(replies, cut(stream, cuts))).toEqual(expected);
        expect(
          hear(
            replies,
            [...stream].map((byte) => Buffer.of(byte)),
          ),
        ).toEqual(expected);
      }),
    );
  });

  it('takes only the part of a chunk that it is told', () => {
    const heard: number[] = [];
    const buffer = Buffer.alloc(4);
    const parser = new NbdReplies({
      replied: (_turn, slot) => {
        heard.push(slot);
        return { buffer, length: 4 };
      },
      received: () => heard.push(buffer.readUInt32BE(0)),
    });
    const reply = simpleReply({ turn: 1, slot: 5 }, Buffer.of(0, 0, 1, 2));
    const chunk = Buffer.concat([Buffer.alloc(7, 9), reply, Buffer.alloc(7, 9)]);
    parser.push(chunk, 7, 7 + reply.length);
    expect(heard).toEqual([5, 0x102]);
  });

  it('says nothing of data whose last byte is not there', () => {
    const replies = [{ turn: 1, error: 0, data: new Uint8Array(100) }];
    expect(hear(replies, [encode(replies).subarray(0, -1)])).toEqual([]);
  });

  it('goes no further once it is told to stop, even within a chunk', () => {
    const slots: number[] = [];
    const parser: NbdReplies = new NbdReplies({
      replied: (_turn, slot) => {
        slots.push(slot);
        parser.stop();
        return undefined;
      },
      received: () => undefined,
    });
    const stream = Buffer.concat([0, 1].map((slot) => simpleReply({ turn: 0, slot }, Buffer.alloc(0), 5)));
    parser.push(stream, 0, stream.length);
    parser.push(stream, 0, stream.length);
    expect(slots).toEqual([0]);
  });

  it.each<[string, Buffer]>([
    ['a structured reply', Buffer.from('668e33ef000000010000000000000001', 'hex')],
    ['a request', Buffer.from('25609513000000000000000000000001', 'hex')],
    ['a reply with more data than were asked for', simpleReply({ turn: 1, slot: 0 }, Buffer.alloc(150))],
  ])('refuses %s', (_title, bytes) => {
    const replies = [{ turn: 1, error: 0, data: new Uint8Array(100) }];
    expectThrown(() => hear(replies, [bytes]), 'storage-unreadable', 'something other than a reply');
  });

  it('makes replies of any bytes, or refuses them, and chunks change nothing', () => {
    const garbled = repliesArbitrary.chain((replies) =>
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }).map((changes) => {
        const stream = encode(replies);
        for (const [at, value] of changes) if (stream.length > 0) stream[at % stream.length] = value;
        return { replies, stream };
      }),
    );
    const anything = fc
      .uint8Array({ maxLength: 1000 })
      .map((bytes) => ({ replies: [], stream: Buffer.from(bytes) }));
    fc.assert(
      fc.property(fc.oneof(garbled, anything), cutsArbitrary, ({ replies, stream }, cuts) => {
        const whole: Heard[] = [];
        const pieces: Heard[] = [];
        const refused = failureOf(() => hear(replies, [stream], whole), 'storage-unreadable');
        expect(failureOf(() => hear(replies, cut(stream, cuts), pieces), 'storage-unreadable')).toBe(refused);
        expect(pieces).toEqual(whole);
      }),
    );
  });
});
