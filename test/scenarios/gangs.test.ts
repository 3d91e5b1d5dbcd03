import { describe, expect, test } from 'vitest';
import type { Gang, GangRequest } from '../agents/gang.js';
import type { State } from '../agents/migration.js';
import { startIncoming } from '../agents/move-guest.js';
import type { Guest } from '../guests/guest.js';
import { guestKernel } from '../guests/guest-kernel.js';
import { alike } from './support/alike.js';
import { bootGuest, filledPages, type GuestLoad } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { useAgents } from './support/use-agents.js';

const agents = useAgents();
const fillMiB = 48;
/** What a guest has filled that is not zero. */
const contentPages = filledPages((fillMiB * 2) / 3);
const overMs = 120_000;

interface Pair {
  readonly source: Guest;
  readonly destination: Guest;
}

/** So many guests on the source, each with a QEMU on the destination that waits for it. */
async function pairsOf(
  size: number,
  start: (name: string, index: number) => Promise<Guest>,
): Promise<Pair[]> {
  return Promise.all(
    Array.from({ length: size }, async (_nothing, index) => {
      const source = await start(`guest${index + 1}`, index);
      return { source, destination: await startIncoming(source, agents().destination) };
    }),
  );
}

/** Guests of one image, each of which has booted by itself. */
const boot = (size: number, load: GuestLoad = {}): Promise<Pair[]> =>
  pairsOf(size, (name) => bootGuest(agents().source, { name, memoryMiB: 256, fillMiB, ...load }));

const another = alike(
  () => agents().source,
  () => bootGuest(agents().source, { memoryMiB: 256, fillMiB }),
);

/** Guests of which it does not matter what they have in common. */
const startAlike = (size: number): Promise<Pair[]> => pairsOf(size, (name) => another({ name }));

async function begin(pairs: readonly Pair[], request: Partial<GangRequest> = {}): Promise<string> {
  const guests = pairs.map(({ source }) => source.name);
  const destination = { url: agents().destinationAgent.url };
  return (await agents().sourceAgent.client.moveGang({ guests, destination, ...request })).id;
}

const over = async (id: string): Promise<Gang> => agents().sourceAgent.client.gangWhenOver(id, overMs);

const statesOf = ({ guests }: Gang): string[] => guests.map(({ state }) => state);

/** Waits until the migration of one of the guests is in a state; answers its id. */
async function member(id: string, index: number, state: State): Promise<string> {
  const { client } = agents().sourceAgent;
  const gang = await client.gangWhen(id, ({ guests }) => guests[index]?.migrationState === state);
  return gang.guests[index]?.migration ?? '';
}

async function expectMoved(pairs: readonly (Pair | undefined)[]): Promise<void> {
  for (const pair of pairs) if (pair !== undefined) await expectWhole(pair.destination, filledPages(fillMiB));
}

async function expectStayed(pair: Pair | undefined): Promise<void> {
  if (pair !== undefined) await expectWhole(pair.source, filledPages(fillMiB));
}

describe('guests of one image leave together, whole, and what they have in common goes once', () => {
  test.each([
    ['precopy', 3, 0],
    ['postcopy', 2, 0],
    ['hybrid', 2, 40],
  ] as const)('by %s, %d of them, writing %d MB/s', async (mode, size, megabytesPerSecond) => {
    const pairs = await boot(size, { megabytesPerSecond });
    const gang = await over(await begin(pairs, { mode }));
    expect(gang).toMatchObject({ state: 'completed', mode });
    await expectMoved(pairs);
    const shared = (size - 1) * contentPages;
    // What they rewrite is their own.
    expect(gang.sent.pages.reference).toBeGreaterThan(megabytesPerSecond === 0 ? shared : 0);
  });

  test('also if they are eight', async () => {
    const pairs = await startAlike(8);
    const gang = await over(await begin(pairs, { mode: 'hybrid' }));
    expect(gang).toMatchObject({ state: 'completed' });
    await expectMoved(pairs);
    expect(gang.sent.pages.reference).toBeGreaterThan((pairs.length - 1) * contentPages);
  });

  test('each with the kernel that it has', async () => {
    const { image } = await guestKernel('backports');
    const kernels = [undefined, image];
    const pairs = await pairsOf(kernels.length, (name, index) => {
      const kernel = kernels[index];
      return bootGuest(agents().source, { name, memoryMiB: 256, fillMiB, ...(kernel && { kernel }) });
    });
    const gang = await over(await begin(pairs, { mode: 'hybrid' }));
    expect(gang).toMatchObject({ state: 'completed' });
    await expectMoved(pairs);
    const { client } = agents().sourceAgent;
    const migrations = await Promise.all(gang.guests.map(({ migration }) => client.get(migration ?? '')));
    const seen = migrations.map(({ pageFilter }) => pageFilter?.kernel);
    expect(new Set(seen).size).toBe(kernels.length);
    expect(gang.sent.pages.reference).toBeGreaterThan(contentPages);
  });

  test('unless nothing is to be shared', async () => {
    const pairs = await startAlike(2);
    const gang = await over(await begin(pairs, { mode: 'precopy', share: false }));
    expect(gang).toMatchObject({ state: 'completed', sent: { pages: { reference: 0, patch: 0 } } });
    await expectMoved(pairs);
  });
});

describe('of a gang of which not all arrive', () => {
  test('a guest whose QEMU is killed and one that is cancelled do not keep the others', async () => {
    const pairs = await startAlike(4);
    // Slow enough to do something to each.
    await agents().hosts.shape(100);
    const id = await begin(pairs, { mode: 'precopy', atOnce: 2 });
    await member(id, 0, 'active');
    await agents().sourceAgent.client.cancel(await member(id, 1, 'active'));
    await pairs[0]?.source.kill();
    await agents().hosts.shape(undefined);
    const gang = await over(id);
    expect(gang.state).toBe('failed');
    expect(statesOf(gang)).toEqual(['failed', 'cancelled', 'moved', 'moved']);
    expect(gang.guests[0]?.error?.type).toBe('urn:pageferry:error:qmp-closed');
    await expectStayed(pairs[1]);
    await expectMoved(pairs.slice(2));
  });

  test('a guest whose destination QEMU hangs, and stands still for that, goes on, and keeps no other', async () => {
    const pairs = await startAlike(3);
    await agents().hosts.shape(100);
    const { client } = agents().sourceAgent;
    const id = await begin(pairs, { mode: 'precopy', atOnce: 2 });
    const hung = await member(id, 0, 'active');
    await client.switchover(hung);
    // The guest would not be stopped for a destination that is held before that.
    await client.waitUntil(hung, ['device'], overMs, { intervalMs: 2 });
    for (const { destination } of pairs.slice(0, 1)) process.kill(destination.pid, 'SIGSTOP');
    await agents().hosts.shape(undefined);
    const { error } = await client.waitUntilOver(hung, overMs);
    expect(error).toMatchObject({ type: 'urn:pageferry:error:peer-timeout', host: 'destination' });
    const gang = await over(id);
    // It was tried again, but there is no QEMU any more that waits for it.
    expect(statesOf(gang)).toEqual(['failed', 'moved', 'moved']);
    await expectStayed(pairs[0]);
    await expectMoved(pairs.slice(1));
  });

  test('a gang that is cancelled leaves here what has not been handed over', async () => {
    const pairs = await startAlike(2);
    await agents().hosts.shape(100);
    const id = await begin(pairs, { mode: 'postcopy', atOnce: 1 });
    await member(id, 0, 'postcopy-active');
    await agents().sourceAgent.client.cancelGang(id);
    await agents().hosts.shape(undefined);
    const gang = await over(id);
    expect(gang.state).toBe('cancelled');
    expect(statesOf(gang)).toEqual(['moved', 'skipped']);
    await expectMoved(pairs.slice(0, 1));
    await expectStayed(pairs[1]);
  });
});

describe('after the hand-over of one of its guests', () => {
  test('a gang goes on when the link was cut', async () => {
    const pairs = await startAlike(2);
    await agents().hosts.shape(100);
    const id = await begin(pairs, { mode: 'postcopy', atOnce: 1 });
    const first = await member(id, 0, 'postcopy-active');
    await agents().hosts.connect(false);
    await agents().sourceAgent.client.waitUntil(first, ['postcopy-paused'], overMs);
    await agents().hosts.connect(true);
    await agents().hosts.shape(undefined);
    expect(await over(id)).toMatchObject({ state: 'completed' });
    await expectMoved(pairs);
  });

  test('the next run of a source agent that was killed brings it its pages; the others stay', async () => {
    const pairs = await startAlike(2);
    await agents().hosts.shape(100);
    const id = await begin(pairs, { mode: 'postcopy', atOnce: 1 });
    const first = await member(id, 0, 'postcopy-active');
    await agents().sourceAgent.kill();
    await agents().hosts.shape(undefined);
    await agents().sourceAgent.restart();
    await agents().sourceAgent.client.waitUntil(first, ['completed'], overMs);
    const gang = await agents().sourceAgent.client.gang(id);
    expect(gang.state).toBe('failed');
    expect(statesOf(gang)).toEqual(['moved', 'skipped']);
    await expectMoved(pairs.slice(0, 1));
    await expectStayed(pairs[1]);
  });
});
