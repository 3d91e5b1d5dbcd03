import { PageferryError } from '@pageferry/errors';
import type { PeerConnection } from '@pageferry/link';
import { PAGE_SIZE, PageLayout } from '@pageferry/transfer';
import { FrameKind, HEADER_BYTES, RUN_BYTES, writeHeader, writeRun } from '@pageferry/wire';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { DestinationLink, type DestinationLinkOptions } from '../src/destination-link.js';
import { OwnRoute } from '../src/route.js';
import { FakeDestination, welcome, type Answer } from './support/fake-destination.js';
import { silent } from './support/simulated-migration.js';

const id = 'c0ffee00-0000-4000-8000-000000000000';
const timeoutMs = 10_000;
const layout = new PageLayout([
  { name: 'ram', length: 64 * PAGE_SIZE, pageSize: PAGE_SIZE },
  { name: 'rom', length: 8 * PAGE_SIZE, pageSize: PAGE_SIZE },
]);
const standing = { type: 'standing', phase: 'owner', completed: false, missing: 0 } as const;

let abort: AbortController;
let steps: string[];

beforeEach(() => {
  abort = new AbortController();
  steps = [];
});
afterEach(() => {
  abort.abort(new PageferryError('cancelled', 'the test is over'));
  vi.useRealTimers();
});

const watcher = {
  reached: (): void => void steps.push('reached'),
  missed: (): void => void steps.push('missed'),
};

function linkTo(url: string, more: Partial<DestinationLinkOptions> = {}): DestinationLink {
  const route = new OwnRoute(url);
  return new DestinationLink({ id, route, reconnectSeconds: 60, log: silent, signal: abort.signal, ...more });
}

/** Names pages of a block, from `first` on. */
function stale(block: number, first: number, count: number, kind: FrameKind = FrameKind.stale): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + RUN_BYTES);
  writeHeader(frame, { kind, sequence: 0, block, count: 1 });
  writeRun(frame, 0, first * PAGE_SIZE, count);
  return frame;
}

const standingOf =
  (message: Parameters<PeerConnection['send']>[0], ...frames: readonly Buffer[]): Answer =>
  async (peer) => {
    await peer.send(welcome);
    await peer.send(message);
    for (const frame of frames) await peer.sendFrame(frame);
  };

test('introduces a migration, and learns the window', async () => {
  const destination = await FakeDestination.listen((peer) => peer.send(welcome));
  const link = linkTo(destination.url);
  expect(await link.connect()).toBe(welcome.window);
  expect(destination.hellos).toMatchObject([{ migration: id, lowest: 1, highest: 1, resume: false }]);
  expect(link.peer.isOpen).toBe(true);
  link.close();
  expect(link.peer.isOpen).toBe(false);
});

test('has no connection before', () => {
  const link = linkTo('ws://127.0.0.1:9');
  expect(() => link.peer).toThrow(expect.objectContaining({ code: 'internal' }));
  link.close();
});

test('a destination that refuses the migration says why', async () => {
  const error = { code: 'protocol-version', message: 'too old' } as const;
  const { url } = await FakeDestination.listen((peer) => peer.send({ type: 'refused', error }));
  await expect(linkTo(url).connect()).rejects.toMatchObject({ ...error, host: 'destination' });
});

test('a violation that the destination finds is reported with its cause', async () => {
  const { url } = await FakeDestination.listen(async (peer) => {
    await peer.send(welcome);
    peer.fail(new PageferryError('protocol-violation', 'a page of a block that is not there'));
  });
  const link = linkTo(url);
  await link.connect();
  expect(await link.peer.closed).toMatchObject({
    code: 'protocol-violation',
    host: 'destination',
    message: 'a page of a block that is not there',
  });
});

test.each([
  { ...standing, phase: 'unknown' },
  { ...standing, phase: 'returned' },
  { ...standing, completed: true },
] as const)('asks who has the guest: %j', async (message) => {
  const destination = await FakeDestination.listen(standingOf(message));
  const { phase, completed, missing } = await linkTo(destination.url).reconnect(layout, watcher);
  expect({ phase, completed, missing: missing.count }).toEqual({
    phase: message.phase,
    completed: message.completed,
    missing: 0,
  });
  expect(destination.hellos).toMatchObject([{ resume: true }]);
  expect(steps).toEqual(['reached']);
});

test('learns which pages are missing, and takes requests in between for what they are', async () => {
  const { url } = await FakeDestination.listen(
    standingOf(
      { ...standing, missing: 7 },
      stale(0, 60, 4),
      stale(0, 61, 1, FrameKind.requests),
      stale(1, 0, 3),
    ),
  );
  const { missing } = await linkTo(url).reconnect(layout, watcher);
  const runs: number[][] = [];
  missing.forEachRun((first, count) => runs.push([first, count]));
  expect(runs).toEqual([
    [60, 4],
    [layout.blocks[1]?.firstPage, 3],
  ]);
});

test('tries again until a destination answers', async () => {
  const destination = await FakeDestination.listen(
    (peer) => {
      peer.close();
    },
    async (peer) => {
      await peer.send(welcome);
      peer.close();
    },
    // Beyond the end of the block.
    standingOf({ ...standing, missing: 2 }, stale(0, 61, 4)),
    standingOf({ ...standing, missing: 4 }, stale(0, 60, 4)),
  );
  expect((await linkTo(destination.url).reconnect(layout, watcher)).missing.count).toBe(4);
  expect(steps).toEqual(['missed', 'reached', 'missed', 'reached', 'missed', 'reached']);
  expect(destination.hellos).toHaveLength(4);
});

test('gives up in the end, and says what was last in the way', async () => {
  const { url } = await FakeDestination.listen((peer) => {
    peer.close();
  });
  await expect(linkTo(url, { reconnectSeconds: 0 }).reconnect(layout, watcher)).rejects.toMatchObject({
    code: 'ownership-unknown',
    cause: { code: 'peer-lost' },
  });
});

test('may be told to try again when it has given up, as often as needed', async () => {
  const refuse = (peer: PeerConnection): void => {
    peer.close();
  };
  const destination = await FakeDestination.listen(
    refuse,
    refuse,
    standingOf({ ...standing, completed: true }),
  );
  const link = linkTo(destination.url, { reconnectSeconds: 0 });
  expect(link.hurry()).toBe(false);
  const reconnecting = link.reconnect(layout, { ...watcher, outlasts: () => true });
  for (const attempts of [1, 2]) {
    await expect.poll(() => steps).toHaveLength(attempts);
    await expect.poll(() => link.hurry()).toBe(true);
  }
  expect(await reconnecting).toMatchObject({ phase: 'owner', completed: true });
  expect(steps).toEqual(['missed', 'missed', 'reached']);
});

test('does not wait for the next attempt when it is told to hurry', async () => {
  const destination = await FakeDestination.listen(
    ...Array.from({ length: 4 }, () => (peer: PeerConnection) => {
      peer.close();
    }),
    standingOf({ ...standing, completed: true }),
  );
  const link = linkTo(destination.url);
  const hurrying = setInterval(() => link.hurry(), 1);
  onTestFinished(() => {
    clearInterval(hurrying);
  });
  expect(await link.reconnect(layout, watcher)).toMatchObject({ completed: true });
  expect(destination.hellos).toHaveLength(5);
});

test('a cancel ends the attempts', async () => {
  const { url } = await FakeDestination.listen((peer) => {
    peer.close();
  });
  const reconnecting = linkTo(url).reconnect(layout, {
    ...watcher,
    missed: () => {
      abort.abort(new PageferryError('interrupted', 'the agent ends'));
    },
  });
  await expect(reconnecting).rejects.toMatchObject({ code: 'interrupted' });
});

test('a destination that names fewer pages than it lacks is waited for only until a cancel', async () => {
  const { url } = await FakeDestination.listen(standingOf({ ...standing, missing: 9 }, stale(0, 0, 1)));
  const reconnecting = linkTo(url).reconnect(layout, {
    ...watcher,
    reached: () => {
      setTimeout(() => {
        abort.abort(new PageferryError('interrupted', 'the agent ends'));
      }, 50);
    },
  });
  await expect(reconnecting).rejects.toMatchObject({ code: 'interrupted' });
});

test('a connection that breaks soon, again and again, is made with pauses', async () => {
  const destination = await FakeDestination.listen(standingOf(standing));
  const link = linkTo(destination.url);
  await link.reconnect(layout, watcher);
  // At once after the first time, which is no pattern yet.
  await link.reconnect(layout, watcher);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const third = link.reconnect(layout, watcher);
  // Time enough for a connection.
  await linkTo(destination.url).connect();
  expect(destination.hellos.filter(({ resume }) => resume)).toHaveLength(2);
  vi.advanceTimersByTime(200);
  await third;
  expect(destination.hellos.filter(({ resume }) => resume)).toHaveLength(3);
});

test('tells the destination to give up, and waits until it has', async () => {
  const heard: unknown[] = [];
  const { url } = await FakeDestination.listen(async (peer) => {
    await peer.send(welcome);
    await peer.send({ type: 'prepared' });
    await peer.send({ type: 'ready' });
    const { error } = await peer.next(['abort'], { timeoutMs });
    heard.push(error);
    await peer.send({ type: 'aborted' });
  });
  const link = linkTo(url);
  await link.connect();
  await link.abort(new PageferryError('cancelled', 'enough', { host: 'source' }));
  expect(heard).toEqual([{ code: 'cancelled', message: 'enough', host: 'source' }]);
  expect(link.peer.isOpen).toBe(false);
});

test.each<[string, (peer: PeerConnection) => Promise<void> | void]>([
  [
    'ends the connection',
    (peer) => {
      peer.close();
    },
  ],
  ['breaks the protocol', (peer) => peer.send(welcome)],
  ['has failed itself', (peer) => peer.send({ type: 'failed', error: { code: 'internal', message: 'no' } })],
])('a destination that %s instead does not matter', async (_what, answer) => {
  const { url } = await FakeDestination.listen(async (peer) => {
    await peer.send(welcome);
    await peer.next(['abort'], { timeoutMs });
    await answer(peer);
  });
  const link = linkTo(url);
  await link.connect();
  await link.abort(new PageferryError('cancelled', 'enough'));
  expect(link.peer.isOpen).toBe(false);
  await link.abort(new PageferryError('cancelled', 'once more'));
});

test('nothing that a destination answers to the question who has the guest is more than a failed attempt', async () => {
  const frame = fc
    .tuple(fc.constantFrom(...Object.values(FrameKind)), fc.uint8Array({ maxLength: 60 }))
    .map(([kind, content]) => Buffer.concat([Buffer.of(kind), content]));
  const badRun = fc
    .record({ block: fc.nat(3), first: fc.nat(100), count: fc.nat(100) })
    .map(({ block, first, count }) => stale(block, first, count));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(frame, badRun), { maxLength: 4 }), async (frames) => {
      const { url } = await FakeDestination.listen(async (peer) => {
        await peer.send(welcome);
        for (const bytes of frames) await peer.sendFrame(bytes);
        peer.close();
      });
      const link = linkTo(url, { reconnectSeconds: 0, signal: new AbortController().signal });
      await expect(link.reconnect(layout, watcher)).rejects.toMatchObject({ code: 'ownership-unknown' });
      link.close();
    }),
    { numRuns: 50 },
  );
});
