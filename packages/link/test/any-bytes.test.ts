import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PageferryError } from '@pageferry/errors';
import { FrameKind, decodeControl, encodeControl, readHeader, type ControlMessage } from '@pageferry/wire';
import { connectPeers } from './support/peers.js';
import { rawDestination } from './support/raw-destination.js';

// Whatever comes over a connection ends it in a way that is understood. Vitest itself fails a run with a rejection that
// nobody handles.

const timeoutMs = 10_000;
const numRuns = 150;

const { code, message } = new PageferryError('cancelled', 'enough');
const messages: readonly ControlMessage[] = [
  { type: 'ready' },
  { type: 'device-state', bytes: 5000, postcopy: true },
  { type: 'failed', error: { code, message, host: 'destination', findings: ['one', 'two'] } },
  { type: 'standing', phase: 'owner', completed: false, missing: 12 },
];

const bytes = fc.uint8Array({ maxLength: 200 }).map((content) => Buffer.from(content));
const ofKind = fc
  .tuple(fc.constantFrom(...Object.values(FrameKind)), bytes)
  .map(([kind, content]) => Buffer.concat([Buffer.of(kind), content]));
const damaged = fc
  .record({ message: fc.constantFrom(...messages), at: fc.nat(), value: fc.nat(255), length: fc.nat(200) })
  .map(({ message, at, value, length }) => {
    const frame = encodeControl(message);
    frame[at % frame.length] = value;
    return frame.subarray(0, Math.max(1, length));
  });

function isMessage(frame: Buffer): boolean {
  if (frame[0] !== FrameKind.control) return false;
  try {
    decodeControl(frame);
    return true;
  } catch {
    return false;
  }
}

test.each(['source', 'destination'] as const)(
  'a message that is none is a violation, for the %s agent',
  async (host) => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(bytes, ofKind, damaged), async (content) => {
        fc.pre(!isMessage(content));
        const { source, destination } = await connectPeers();
        const [from, to] = host === 'source' ? [destination, source] : [source, destination];
        to.onFrame = (frame) => {
          readHeader(frame);
          throw new PageferryError('protocol-violation', 'a frame that nobody waits for');
        };
        const waiting = to.next(['ready'], { timeoutMs });
        await from.sendFrame(content);
        const error = await to.closed;
        expect(error).toMatchObject({ code: 'protocol-violation', host });
        await expect(waiting).rejects.toBe(error);
        from.close();
      }),
      { numRuns },
    );
  },
);

test('bytes that are no WebSocket message end the connection', async () => {
  const connect = await rawDestination();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 64 }), async (content) => {
      const { source, stream } = await connect();
      stream.end(Buffer.from(content));
      const { code } = await source.closed;
      expect(['protocol-violation', 'peer-lost']).toContain(code);
      stream.destroy();
    }),
    { numRuns },
  );
});

test.each([
  ['reserved bits', [0xf2, 0x00]],
  ['an opcode that is not known', [0x83, 0x00]],
  ['a mask from a server', [0x82, 0x81, 1, 2, 3, 4, 5]],
  ['a continuation of nothing', [0x80, 0x00]],
  ['a length of 2^62', [0x82, 0x7f, 0x40, 0, 0, 0, 0, 0, 0, 0]],
  ['text that is not UTF-8', [0x81, 0x01, 0xff]],
  ['a ping in parts', [0x09, 0x00]],
  ['a status for the close that is none', [0x88, 0x02, 0x00, 0x01]],
])('%s is a violation', async (_what, content) => {
  const connect = await rawDestination();
  const { source, stream } = await connect();
  stream.write(Buffer.from(content));
  expect(await source.closed).toMatchObject({ code: 'protocol-violation' });
  stream.destroy();
});
