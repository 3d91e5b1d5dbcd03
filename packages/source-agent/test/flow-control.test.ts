import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PageferryError } from '@pageferry/errors';
import { FrameKind, HEADER_BYTES, readHeader, writeHeader } from '@pageferry/wire';
import { FlowControl, type FrameCarrier } from '../src/flow-control.js';
import { SharedFlow, Urgency } from '../src/shared-flow.js';
import { STALL_LIMIT_MS } from '../src/stall-watch.js';

class FakeCarrier implements FrameCarrier {
  readonly sequences: number[] = [];
  isOpen = true;
  close: (reason: PageferryError) => void = () => undefined;
  readonly closed = new Promise<PageferryError>((resolve) => {
    this.close = (reason) => {
      this.isOpen = false;
      resolve(reason);
    };
  });

  async sendFrame(frame: Buffer): Promise<void> {
    await Promise.resolve();
    this.sequences.push(readHeader(frame).sequence);
  }
}

let abort: AbortController;
let carrier: FakeCarrier;
beforeEach(() => {
  abort = new AbortController();
  carrier = new FakeCarrier();
});
afterEach(() => {
  vi.useRealTimers();
  abort.abort();
});

function frameOf(bytes: number): Buffer {
  const frame = Buffer.alloc(bytes);
  writeHeader(frame, { kind: FrameKind.pages, sequence: 0, block: 0, count: 1 });
  return frame;
}

const lost = new PageferryError('peer-lost', 'the connection is gone');

test('numbers frames from 1 in the order in which they were given', async () => {
  const flow = new FlowControl(carrier, 1000, abort.signal);
  await Promise.all([flow.send(frameOf(100)), flow.send(frameOf(200)), flow.send(frameOf(300))]);
  expect(carrier.sequences).toEqual([1, 2, 3]);
  expect(flow.sentBytes).toBe(600);
});

test('has room until the window is full, and again when enough is acknowledged', async () => {
  const flow = new FlowControl(carrier, 500, abort.signal);
  await flow.send(frameOf(300));
  expect(flow.room()).toBeUndefined();
  await flow.send(frameOf(300));
  const room = flow.room();
  expect(room).toBeInstanceOf(Promise);
  flow.acknowledge(1);
  await room;
  expect(flow.inFlightBytes).toBe(300);
});

test('the window can be changed, but never beyond what was allowed at first', async () => {
  const flow = new FlowControl(carrier, 500, abort.signal);
  flow.window = 100;
  await flow.send(frameOf(300));
  const room = flow.room();
  expect(room).toBeInstanceOf(Promise);
  flow.window = Infinity;
  await room;
  expect(flow.window).toBe(500);
});

test('the round trip is the shortest time to an acknowledgement, and another one over another connection', async () => {
  const flow = new FlowControl(carrier, 1000, abort.signal);
  expect(flow.roundTripMs).toBe(0);
  await flow.send(frameOf(100));
  await sleep(20);
  flow.acknowledge(1);
  const long = flow.roundTripMs;
  expect(long).toBeGreaterThanOrEqual(19);
  await flow.send(frameOf(100));
  flow.acknowledge(2);
  expect(flow.roundTripMs).toBeLessThan(long);
  flow.reconnect(carrier);
  expect(flow.roundTripMs).toBe(0);
});

test('one acknowledgement stands for all frames before it', async () => {
  const flow = new FlowControl(carrier, 1000, abort.signal);
  for (let frame = 0; frame < 3; frame++) await flow.send(frameOf(100));
  flow.acknowledge(3);
  await flow.drained();
  expect(flow.inFlightBytes).toBe(0);
});

test.each([2, 0, 4_000_000_000])(
  'refuses the acknowledgement %d of a frame that was not sent',
  async (sequence) => {
    const flow = new FlowControl(carrier, 1000, abort.signal);
    await flow.send(frameOf(100));
    expect(() => {
      flow.acknowledge(sequence);
    }).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
  },
);

test('a frame that waits for its encoding holds those behind it back, and counts as in flight', async () => {
  const flow = new FlowControl(carrier, 500, abort.signal);
  let encode: (frame: Buffer) => void = () => undefined;
  const encoded = new Promise<Buffer>((resolve) => {
    encode = resolve;
  });
  const first = flow.send(frameOf(400), encoded);
  const second = flow.send(frameOf(50));
  expect(carrier.sequences).toEqual([]);
  expect(flow.inFlightBytes).toBe(450);
  const short = frameOf(60);
  encode(short);
  await Promise.all([first, second]);
  expect(carrier.sequences).toEqual([1, 2]);
  expect(flow.sentBytes).toBe(110);
  expect(flow.inFlightBytes).toBe(110);
});

test('says when all frames have been encoded and sent', async () => {
  const flow = new FlowControl(carrier, 5000, abort.signal);
  for (let frame = 0; frame < 5; frame++) {
    const encoded = new Promise<Buffer>((resolve) => setTimeout(resolve, 5 - frame, frameOf(HEADER_BYTES)));
    void flow.send(frameOf(100), encoded);
  }
  await flow.encoded();
  expect(carrier.sequences).toEqual([1, 2, 3, 4, 5]);
});

test('whoever waits learns why the connection ended', async () => {
  const flow = new FlowControl(carrier, 100, abort.signal);
  await flow.send(frameOf(100));
  const waiting = [flow.room(), flow.drained()];
  carrier.close(lost);
  for (const wait of waiting) await expect(wait).rejects.toBe(lost);
  await expect(flow.room()).rejects.toBe(lost);
});

test('a cancel ends every wait for a destination that has gone silent', async () => {
  const flow = new FlowControl(carrier, 100, abort.signal);
  await flow.send(frameOf(100));
  const waiting = [flow.room(), flow.drained()];
  abort.abort(new PageferryError('cancelled', 'enough'));
  for (const wait of waiting) await expect(wait).rejects.toMatchObject({ code: 'cancelled' });
});

test('goes on over a new connection, and forgets what was in flight on the old one', async () => {
  const flow = new FlowControl(carrier, 100, abort.signal);
  await flow.send(frameOf(100));
  carrier.close(lost);
  const next = new FakeCarrier();
  flow.reconnect(next);
  expect(flow.inFlightBytes).toBe(0);
  expect(flow.room()).toBeUndefined();
  await flow.send(frameOf(100));
  expect(next.sequences).toEqual([2]);
  flow.acknowledge(2);
  expect(flow.inFlightBytes).toBe(0);
});

test('a limit on the bandwidth makes room only in time, and its end at once', async () => {
  const flow = new FlowControl(carrier, 1_000_000, abort.signal);
  flow.limitTo(1000);
  await flow.send(frameOf(5000));
  expect(flow.isFull).toBe(true);
  expect(flow.isLimited).toBe(true);
  const room = flow.room();
  flow.limitTo(0);
  await room;
  expect(flow.isFull).toBe(false);
  expect(flow.bytesPerSecond).toBeUndefined();
});

test('plans with the limit if the link carries more, or is not known yet', () => {
  const flow = new FlowControl(carrier, 1000, abort.signal);
  flow.limitTo(5000);
  expect(flow.bytesPerSecond).toBe(5000);
});

test('a frame counts against the limit when it is given, not only when it has been encoded', async () => {
  const flow = new FlowControl(carrier, 1_000_000, abort.signal);
  flow.limitTo(100_000);
  // What may be sent at once, 1000 bytes, has to come together first.
  await sleep(20);
  let encode: (frame: Buffer) => void = () => undefined;
  const encoded = new Promise<Buffer>((resolve) => {
    encode = resolve;
  });
  const sent = flow.send(frameOf(50_000), encoded);
  expect(flow.isLimited).toBe(true);
  encode(frameOf(100));
  await sent;
  expect(flow.isLimited).toBe(false);
});

test('tells of a destination that takes nothing in any more, and lets others go first', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const shared = new SharedFlow();
  const flow = new FlowControl(carrier, 200, abort.signal, shared);
  const other = new FlowControl(carrier, 200, abort.signal, shared);
  let stalls = 0;
  flow.onStall = () => {
    stalls++;
  };
  flow.urgency = Urgency.stopped;
  await flow.send(frameOf(100));
  await flow.send(frameOf(100));
  const room = other.room();
  vi.advanceTimersByTime(STALL_LIMIT_MS * 0.8);
  flow.acknowledge(1);
  vi.advanceTimersByTime(STALL_LIMIT_MS * 0.8);
  expect(stalls).toBe(0);
  vi.advanceTimersByTime(STALL_LIMIT_MS);
  expect(stalls).toBe(1);
  await room;
  flow.acknowledge(2);
  expect(other.isFull).toBe(true);
  vi.advanceTimersByTime(2 * STALL_LIMIT_MS);
  expect(stalls).toBe(1);
});
