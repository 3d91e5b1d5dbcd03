import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  FrameKind,
  HEADER_BYTES,
  channelEnd,
  encodeControl,
  fromChannel,
  readHeader,
  toChannel,
  writeHeader,
} from '../src/index.js';

const channels = fc.integer({ min: 1, max: 0xffff });

test('a control message comes out of a channel as it went in', () => {
  const message = encodeControl({ type: 'ready' });
  fc.assert(
    fc.property(channels, (channel) => {
      expect(fromChannel(toChannel(message, channel))).toEqual({ channel, frame: message });
    }),
  );
});

test('any other frame goes in the same memory, and its header says nothing of the channel afterwards', () => {
  fc.assert(
    fc.property(channels, fc.nat(64), (channel, body) => {
      const frame = Buffer.alloc(HEADER_BYTES + body);
      writeHeader(frame, { kind: FrameKind.pages, sequence: 7, block: 1, count: 2 });
      const sent = toChannel(frame, channel);
      expect(sent).toBe(frame);
      expect(() => readHeader(sent)).toThrow(/channel/);
      expect(fromChannel(sent)).toEqual({ channel, frame });
      expect(readHeader(frame)).toEqual({ kind: FrameKind.pages, sequence: 7, block: 1, count: 2 });
    }),
  );
});

test('the end of a channel comes with its status', () => {
  expect(fromChannel(channelEnd(513, 1002))).toEqual({ channel: 513, status: 1002 });
});

test.each([
  ['a control message', encodeControl({ type: 'ready' })],
  ['an empty control message', Buffer.of(2, 0, 1)],
  ['an end that is cut off', channelEnd(1, 1000).subarray(0, 4)],
  ['half a header', Buffer.of(FrameKind.pages, 0, 0)],
  ['nothing', Buffer.alloc(0)],
])('%s without a channel is refused', (_what, frame) => {
  expect(() => fromChannel(frame)).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
});

test('any bytes are read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        expect(fromChannel(Buffer.from(bytes)).channel).toBeLessThanOrEqual(0xffff);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'protocol-violation' });
      }
    }),
  );
});
