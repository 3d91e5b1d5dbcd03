import { SHARED_SUBPROTOCOL, FrameKind, HEADER_BYTES, channelEnd, writeHeader } from '@pageferry/wire';
import { expect, onTestFinished, test } from 'vitest';
import type { WebSocket } from 'ws';
import {
  PeerConnection,
  SharedConnection,
  asDestination,
  shareConnection,
  type Channel,
} from '../src/index.js';
import { MAX_CHANNELS } from '../src/shared-connection.js';
import { errorLike } from './support/error-like.js';
import { listen } from './support/peers.js';

const next = { timeoutMs: 5_000 };
const shared = { handleProtocols: () => SHARED_SUBPROTOCOL };

interface Ends {
  readonly source: SharedConnection;
  readonly destination: SharedConnection;
  /** What the source has opened, seen from the destination. */
  readonly arrived: PeerConnection[];
  /** All frames that the destination got, with the place of their connection in `arrived`. */
  readonly frames: { readonly from: number; readonly sequence: number }[];
  /** Those that were late. */
  readonly late: number[];
}

async function connect(): Promise<Ends> {
  const arrived: PeerConnection[] = [];
  const frames: Ends['frames'] = [];
  const late: number[] = [];
  const onChannel = (channel: Channel): void => {
    const from = arrived.length;
    const onFrame = (frame: Buffer): void => void frames.push({ from, sequence: frame.readUInt32BE(4) });
    arrived.push(new PeerConnection(channel, { peer: 'source', onFrame }));
  };
  const onLateFrame = (frame: Buffer): void => void late.push(frame.readUInt32BE(4));
  let accept: (connection: SharedConnection) => void = () => undefined;
  const accepted = new Promise<SharedConnection>((resolve) => {
    accept = resolve;
  });
  const url = await listen((socket) => {
    accept(new SharedConnection(socket, { peer: 'source', onChannel, onLateFrame }));
  }, shared);
  const source = await shareConnection(url, new AbortController().signal);
  onTestFinished(() => {
    source.close();
  });
  return { source, destination: await accepted, arrived, frames, late };
}

function frameOf(sequence: number): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES);
  writeHeader(frame, { kind: FrameKind.stale, sequence, block: 0, count: 0 });
  return frame;
}

/** Resolves when the destination has seen everything that was sent before on this connection. */
async function heard(peer: PeerConnection, there: PeerConnection | undefined): Promise<void> {
  await peer.send({ type: 'all-sent' });
  await there?.next(['all-sent'], next);
}

test('each channel has its own turns of messages', async () => {
  const { source, arrived } = await connect();
  const one = asDestination(source.open());
  const other = asDestination(source.open());
  await one.send({ type: 'all-sent' });
  await other.send({ type: 'aborted' });
  await expect.poll(() => arrived.length).toBe(2);
  await arrived[1]?.send({ type: 'ready' });
  expect(await arrived[1]?.next(['aborted'], next)).toEqual({ type: 'aborted' });
  expect(await arrived[0]?.next(['all-sent'], next)).toEqual({ type: 'all-sent' });
  expect(await other.next(['ready'], next)).toEqual({ type: 'ready' });
});

test('frames of all channels arrive in the order in which they were given', async () => {
  const { source, arrived, frames } = await connect();
  const peers = [asDestination(source.open()), asDestination(source.open())];
  for (const peer of peers) await peer.send({ type: 'aborted' });
  await expect.poll(() => arrived.length).toBe(2);
  const sent = Array.from({ length: 50 }, (_nothing, sequence) => ({ from: (sequence * 7) % 2, sequence }));
  await Promise.all(sent.map(async ({ from, sequence }) => peers[from]?.sendFrame(frameOf(sequence))));
  for (const there of arrived) await there.next(['aborted'], next);
  for (const [index, peer] of peers.entries()) await heard(peer, arrived[index]);
  expect(frames).toEqual(sent);
});

test('the end of one channel leaves the others alone', async () => {
  const { source, destination, arrived } = await connect();
  const one = asDestination(source.open());
  const other = asDestination(source.open());
  await one.send({ type: 'all-sent' });
  await other.send({ type: 'all-sent' });
  await expect.poll(() => arrived.length).toBe(2);
  one.close();
  await expect(arrived[0]?.closed).resolves.toEqual(errorLike('peer-lost', /closed/));
  await other.send({ type: 'aborted' });
  expect(await arrived[1]?.next(['all-sent'], next)).toEqual({ type: 'all-sent' });
  expect(await arrived[1]?.next(['aborted'], next)).toEqual({ type: 'aborted' });
  expect([source.channelCount, destination.channelCount]).toEqual([1, 1]);
  // What comes for a channel that is closed here is dropped.
  await expect(arrived[0]?.send({ type: 'ready' })).rejects.toEqual(errorLike('peer-lost', /closed/));
});

test('a violation on one channel ends the connection: what others are sent may rest on it; its peer hears why', async () => {
  const { source, arrived } = await connect();
  const [one, other] = [asDestination(source.open()), asDestination(source.open())];
  await one.send({ type: 'all-sent' });
  await other.send({ type: 'all-sent' });
  await expect.poll(() => arrived.length).toBe(2);
  await one.sendFrame(Buffer.alloc(HEADER_BYTES, 0xff));
  await expect(one.next(['ready'], next)).rejects.toEqual(
    errorLike('protocol-violation', /unknown kind/, 'destination'),
  );
  await expect(other.next(['ready'], next)).rejects.toEqual(
    errorLike('protocol-violation', /cannot read/, 'destination'),
  );
  expect(source.isOpen).toBe(false);
});

test('frames for a channel that this side has closed are late, and go to whoever takes them, in their place', async () => {
  const { source, arrived, late } = await connect();
  const channel = source.open();
  const one = asDestination(channel);
  const other = asDestination(source.open());
  await one.send({ type: 'all-sent' });
  await other.send({ type: 'all-sent' });
  await expect.poll(() => arrived.length).toBe(2);
  arrived[0]?.close();
  await one.closed;
  await expect(one.sendFrame(frameOf(1))).rejects.toEqual(errorLike('peer-lost', /closed/));
  await source.sendLate(channel, frameOf(2));
  await arrived[1]?.next(['all-sent'], next);
  await heard(other, arrived[1]);
  expect(late).toEqual([2]);
});

test('the end of the connection is the end of all channels', async () => {
  const { source, destination } = await connect();
  const peers = [asDestination(source.open()), asDestination(source.open())];
  for (const peer of peers) await peer.send({ type: 'all-sent' });
  await expect.poll(() => destination.channelCount).toBe(2);
  destination.close();
  for (const peer of peers) expect(await peer.closed).toEqual(errorLike('peer-lost', /closed/));
  await source.closed;
  expect(source.isOpen).toBe(false);
  expect(() => source.open()).toThrow();
});

test('no more than so many channels are open at once', async () => {
  const { source } = await connect();
  const peers = Array.from({ length: MAX_CHANNELS }, () => asDestination(source.open()));
  expect(source.hasRoom).toBe(false);
  peers[0]?.close();
  expect(source.hasRoom).toBe(true);
});

async function rawDestination(): Promise<{ readonly source: SharedConnection; readonly socket: WebSocket }> {
  let accept: (socket: WebSocket) => void = () => undefined;
  const accepted = new Promise<WebSocket>((resolve) => {
    accept = resolve;
  });
  const url = await listen(accept, shared);
  const source = await shareConnection(url, new AbortController().signal);
  onTestFinished(() => {
    source.close();
  });
  return { source, socket: await accepted };
}

test.each([
  ['text', 'hello'],
  ['a frame without a channel', Buffer.of(FrameKind.control, 0x80)],
  ['the end of a channel that never was', channelEnd(9, 1000)],
])('%s ends the connection', async (_what, data) => {
  const { source, socket } = await rawDestination();
  const peer = asDestination(source.open());
  socket.send(data);
  expect(await peer.closed).toEqual(errorLike('protocol-violation', /./));
  expect(source.isOpen).toBe(false);
});

test('a destination that knows no shared connections is not taken for one', async () => {
  const url = await listen(() => undefined, { handleProtocols: () => false });
  await expect(shareConnection(url, new AbortController().signal)).rejects.toEqual(
    errorLike('peer-unreachable', /subprotocol/i),
  );
});
