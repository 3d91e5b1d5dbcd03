import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PageferryError, type SerializedError } from '@pageferry/errors';
import {
  FrameKind,
  MAX_FRAME_BYTES,
  PING_INTERVAL_MS,
  SILENCE_LIMIT_MS,
  decodeControl,
  encodeControl,
} from '@pageferry/wire';
import { errorLike } from './support/error-like.js';
import { connectPeers, connectRaw } from './support/peers.js';

const timeoutMs = 10_000;
const frame = (...content: number[]): Buffer => Buffer.from([FrameKind.ack, ...content]);
const violation: SerializedError = {
  code: 'protocol-violation',
  message: 'that is no page',
  host: 'destination',
};

describe('control messages', () => {
  test('arrive in the order in which they were sent, whether waited for or not', async () => {
    const { source, destination } = await connectPeers();
    const first = source.next(['ready'], { timeoutMs });
    await destination.send({ type: 'ready' });
    await destination.send({ type: 'prepared' });
    await destination.send({ type: 'completed' });
    await first;
    expect(await source.next(['prepared'], { timeoutMs })).toEqual({ type: 'prepared' });
    expect(await source.next(['ready', 'completed'], { timeoutMs })).toEqual({ type: 'completed' });
  });

  test('keep their place among the frames', async () => {
    const { source, destination } = await connectPeers();
    const seen: unknown[] = [];
    destination.onFrame = (data) => seen.push(data[1]);
    void source.sendFrame(frame(1));
    void source.send({ type: 'stale', pages: 7 });
    void source.sendFrame(frame(2));
    void source.send({ type: 'all-sent' });
    // In the turn of the message: what comes after it goes to whoever is set then.
    seen.push((await destination.next(['stale'], { timeoutMs })).pages);
    destination.onFrame = (data) => seen.push(`then ${data[1] ?? ''}`);
    await destination.next(['all-sent'], { timeoutMs });
    expect(seen).toEqual([1, 7, 'then 2']);
  });

  test('of another type than expected are a violation, which leaves the connection open', async () => {
    const { source, destination } = await connectPeers();
    await destination.send({ type: 'ready' });
    await expect(source.next(['welcome', 'prepared'], { timeoutMs })).rejects.toMatchObject({
      code: 'protocol-violation',
      message:
        'the destination agent broke the protocol: it sent "ready" where welcome or prepared was expected',
    });
    expect(source.isOpen).toBe(true);
  });

  test.each(['failed', 'abort', 'refused'] as const)(
    '%s is thrown as the error of the peer',
    async (type) => {
      const { source, destination } = await connectPeers();
      const waiting = source.next(['ready'], { timeoutMs });
      const { host, ...error } = violation;
      void destination.send({ type, error });
      await expect(waiting).rejects.toMatchObject({ ...error, host });
    },
  );

  test('are errors only for those who do not expect them', async () => {
    const { source, destination } = await connectPeers();
    const waiting = source.next(['aborted', 'failed'], { timeoutMs });
    void destination.send({ type: 'failed', error: violation });
    expect(await waiting).toEqual({ type: 'failed', error: violation });
  });

  test('are waited for no longer than allowed; a later one still comes', async () => {
    const { source, destination } = await connectPeers();
    await expect(source.next(['ready', 'prepared'], { timeoutMs: 1 })).rejects.toMatchObject({
      code: 'peer-timeout',
      message: 'the destination agent did not send ready or prepared within 1 ms',
    });
    void destination.send({ type: 'ready' });
    expect(await source.next(['ready'], { timeoutMs })).toEqual({ type: 'ready' });
  });

  test('are waited for no longer than until the signal', async () => {
    const { source } = await connectPeers();
    const abort = new AbortController();
    const waiting = source.next(['ready'], { timeoutMs, signal: abort.signal });
    abort.abort(new PageferryError('cancelled', 'enough'));
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    expect(source.isOpen).toBe(true);
  });

  test('that nobody asks for are kept, but not without limit', async () => {
    const { source, destination } = await connectPeers();
    for (let sent = 0; sent < 16; sent++) await destination.send({ type: 'ready' });
    await expect(source.next(['ready'], { timeoutMs })).resolves.toEqual({ type: 'ready' });
    for (let sent = 0; sent < 2; sent++) void destination.send({ type: 'ready' });
    expect(await source.closed).toMatchObject({ code: 'protocol-violation', host: 'source' });
    // What came before is still there.
    await expect(source.next(['ready'], { timeoutMs })).resolves.toEqual({ type: 'ready' });
  });
});

describe('the end of a connection', () => {
  test('by close comes after all that was sent before', async () => {
    const { source, destination } = await connectPeers();
    const received: Buffer[] = [];
    destination.onFrame = (data) => received.push(data);
    const sent = Array.from({ length: 50 }, (_, number) =>
      source.sendFrame(Buffer.alloc(100_000, frame(number))),
    );
    source.close();
    expect(source.isOpen).toBe(false);
    expect(await source.closed).toMatchObject({ code: 'peer-lost' });
    expect(await destination.closed).toEqual(errorLike('peer-lost', /WebSocket status 1000/));
    expect(received.map((data) => data[1])).toEqual(received.map((_, number) => number));
    expect(received).toHaveLength(50);
    await Promise.all(sent);
  });

  test('is what those get who wait, or send', async () => {
    const { source, destination } = await connectPeers();
    const waiting = source.next(['ready'], { timeoutMs });
    destination.close();
    await expect(waiting).rejects.toMatchObject({ code: 'peer-lost' });
    await expect(source.next(['ready'], { timeoutMs })).rejects.toMatchObject({ code: 'peer-lost' });
    await expect(source.send({ type: 'all-sent' })).rejects.toMatchObject({ code: 'peer-lost' });
  });

  test('without a word is a lost peer', async () => {
    const { source, socket } = await connectRaw();
    socket.terminate();
    expect(await source.closed).toEqual(errorLike('peer-lost', /1006|ECONNRESET/));
  });

  test.each(['failed', 'refused'] as const)(
    'by "%s" has its cause, also where nobody waits',
    async (type) => {
      const { source, destination } = await connectPeers();
      await destination.send({ type, error: { code: 'incoming-failed', message: 'QEMU is gone' } });
      expect(await source.closed).toEqual(errorLike('incoming-failed', /^QEMU is gone$/, 'destination'));
    },
  );
});

describe('a violation of the protocol', () => {
  test('by the source is told to it, and is what both report', async () => {
    const { source, destination } = await connectPeers();
    destination.onFrame = () => {
      throw new PageferryError('protocol-violation', 'that is no page');
    };
    await source.sendFrame(frame());
    const reported = errorLike('protocol-violation', /^that is no page$/, 'destination');
    expect(await destination.closed).toEqual(reported);
    expect(await source.closed).toEqual(reported);
  });

  test('by the destination is told to it as an abort, and is what both report', async () => {
    const { source, destination } = await connectPeers();
    const waiting = destination.next(['device-state'], { timeoutMs });
    await destination.send({ type: 'ready' });
    source.fail(new PageferryError('protocol-violation', 'it was not asked'));
    const reported = errorLike('protocol-violation', /^it was not asked$/, 'source');
    expect(await source.closed).toEqual(reported);
    await expect(waiting).rejects.toEqual(reported);
  });

  test('is told once, and never answered with another', async () => {
    const { source, socket } = await connectRaw();
    const messages: Buffer[] = [];
    socket.on('message', (data) => {
      if (Buffer.isBuffer(data)) messages.push(data);
      // What it says then is not looked at.
      socket.send('and another thing');
      socket.send(encodeControl({ type: 'failed', error: violation }));
    });
    const closed = once(socket, 'close');
    socket.send('text');
    expect(await source.closed).toEqual(errorLike('protocol-violation', /it sent text/, 'source'));
    source.fail(new Error('once more'));
    expect((await closed)[0]).toBe(1002);
    expect(messages).toHaveLength(1);
    expect(messages.map(decodeControl)).toMatchObject([
      { type: 'abort', error: { code: 'protocol-violation', host: 'source' } },
    ]);
  });

  test('is told in full only as far as a message carries it', async () => {
    const { source, destination } = await connectPeers();
    destination.fail(new PageferryError('protocol-violation', 'x'.repeat(2_000_000)));
    expect(await source.closed).toEqual(errorLike('protocol-violation', /^x{16384}$/, 'destination'));
  });

  test.each(['failed', 'abort'] as const)('that was told by "%s" leaves nothing to be told', async (type) => {
    const { source, socket } = await connectRaw();
    const messages: unknown[] = [];
    socket.on('message', (data) => messages.push(data));
    const closed = once(socket, 'close');
    socket.send(encodeControl({ type, error: violation }));
    socket.close(1002);
    await closed;
    expect(await source.closed).toMatchObject({ code: 'protocol-violation', host: 'destination' });
    expect(messages).toEqual([]);
  });

  test.each([
    ['an empty frame', Buffer.alloc(0), /an empty frame/],
    ['a frame of unknown kind', Buffer.of(0x7f), /unknown kind 127/],
    ['a message that is not msgpack', Buffer.of(FrameKind.control, 0xc1), /not msgpack/],
    ['a message of unknown type', Buffer.of(FrameKind.control, 0x80), /unknown type/],
    ['a frame that is too long', Buffer.alloc(MAX_FRAME_BYTES + 1), /Max payload size exceeded/],
    ['a message that is too long', Buffer.alloc(MAX_FRAME_BYTES + 1, FrameKind.control), /Max payload/],
  ])('is %s', async (_what, data, message) => {
    const { source, socket } = await connectRaw();
    socket.send(data);
    const error = await source.closed;
    expect(error.code).toBe('protocol-violation');
    expect(error.message).toMatch(message);
  });

  test('that the peer cannot even tell is known by its status', async () => {
    const { source, destination } = await connectPeers();
    // The frame itself may no longer be wanted when it is written.
    source.sendFrame(Buffer.alloc(MAX_FRAME_BYTES + 1, FrameKind.ack)).catch(() => undefined);
    expect(await destination.closed).toEqual(errorLike('protocol-violation', /Max payload size exceeded/));
    expect(await source.closed).toEqual(
      errorLike(
        'protocol-violation',
        /cannot read what it was sent \(WebSocket status 1009\)/,
        'destination',
      ),
    );
  });

  test('is no frame of the greatest length', async () => {
    const { source, destination } = await connectPeers();
    const arrived = new Promise<number>((resolve) => {
      destination.onFrame = (data) => {
        resolve(data.length);
      };
    });
    await source.sendFrame(Buffer.alloc(MAX_FRAME_BYTES, FrameKind.ack));
    expect(await arrived).toBe(MAX_FRAME_BYTES);
  });
});

describe('silence', () => {
  const intervals = Math.ceil(SILENCE_LIMIT_MS / PING_INTERVAL_MS) + 1;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('of a peer that does not even answer pings ends the connection', async () => {
    const { source, socket } = await connectRaw({ autoPong: false });
    for (let interval = 0; source.isOpen; interval++) {
      expect(interval).toBeLessThanOrEqual(intervals);
      const heard = Promise.race([once(socket, 'ping'), source.closed]);
      vi.advanceTimersByTime(PING_INTERVAL_MS);
      await heard;
    }
    expect(await source.closed).toEqual(errorLike('peer-lost', /nothing came for 1\d000 ms/));
  });

  test('is no matter as long as pings are answered', async () => {
    const { source, socket } = await connectRaw();
    for (let interval = 0; interval < 2 * intervals; interval++) {
      const heard = once(socket, 'ping');
      vi.advanceTimersByTime(PING_INTERVAL_MS);
      await heard;
      // The answer to the ping comes before what is sent after it.
      socket.send(encodeControl({ type: 'ready' }));
      await source.next(['ready'], { timeoutMs });
    }
    expect(source.isOpen).toBe(true);
  });
});
