import { describe, expect, test } from 'vitest';
import type { Gang } from '../agents/gang.js';
import { startIncoming } from '../agents/move-guest.js';
import { checked } from '../agents/migration.js';
import { Preparation } from '../agents/preparation.js';
import type { Guest } from '../guests/guest.js';
import { filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { runPageferry } from './support/run-pageferry.js';
import { useAgents } from './support/use-agents.js';

const agents = useAgents();
/** What all of them have filled with the same. */
const sharedMiB = 16;
/** What each of them has filled with something else. */
const ownMiB = 24;
const sharedPages = filledPages(sharedMiB);
const ownPages = filledPages(ownMiB);
const size = 2;
const overMs = 120_000;

interface Pair {
  readonly source: Guest;
  readonly destination: Guest;
}

/** Guests that have some memory in common, and some of their own. */
async function boot(): Promise<Pair[]> {
  return Promise.all(
    Array.from({ length: size }, async (_nothing, index) => {
      const source = await agents().source.startGuest({ name: `guest${index + 1}`, memoryMiB: 256 });
      await source.waitUntilReady();
      await source.workload.fill(sharedMiB, 1, 'random');
      await source.workload.fill(ownMiB, 100 + index, 'random');
      await source.workload.write({ megabytesPerSecond: 0 });
      return { source, destination: await startIncoming(source, agents().destination) };
    }),
  );
}

async function prepare(pairs: readonly Pair[]): Promise<Preparation> {
  const { client } = agents().sourceAgent;
  const guests = pairs.map(({ source }) => source.name);
  const { id } = await client.prepare({ guests, processorShare: 50 });
  return client.preparationWhen(id, ({ state }) => state !== 'indexing', overMs);
}

async function move(pairs: readonly Pair[]): Promise<Gang> {
  const { client } = agents().sourceAgent;
  const guests = pairs.map(({ source }) => source.name);
  const destination = { url: agents().destinationAgent.url };
  const { id } = await client.moveGang({ guests, destination, mode: 'precopy' });
  const gang = await client.gangWhenOver(id, overMs);
  for (const { destination: there } of pairs) await expectWhole(there, filledPages(sharedMiB + ownMiB));
  return gang;
}

describe('guests that leave together', () => {
  test('arrive whole after a preparation, with what they have in common once, and less kept for it', async () => {
    const pairs = await boot();
    const preparation = await prepare(pairs);
    expect(preparation).toMatchObject({ state: 'ready', error: null });
    expect(preparation.pages.lone).toBeGreaterThan(size * ownPages * 0.95);
    const gang = await move(pairs);
    expect(gang).toMatchObject({ state: 'completed', preparation: preparation.id });
    const { client } = agents().sourceAgent;
    expect(await client.preparation(preparation.id)).toMatchObject({ state: 'used', gang: gang.id });
    expect(gang.sent.pages.reference).toBeGreaterThan((size - 1) * sharedPages);
    expect(gang.contents.lone).toBeGreaterThan(size * ownPages * 0.95);
    // What goes in full is kept otherwise.
    expect(gang.contents.kept).toBeLessThan(gang.sent.pages.normal - size * ownPages * 0.95);
  });

  test('are prepared while they run, and one of them that ends is left out', async () => {
    const pairs = await boot();
    const { id } = await prepare(pairs);
    const { client } = agents().sourceAgent;
    await pairs[0]?.source.kill();
    const without = await client.preparationWhen(id, ({ guests }) => guests[0]?.lost !== null, overMs);
    expect(without).toMatchObject({ state: 'ready', guests: [{ guest: 'guest1' }, { lost: null }] });
    await pairs[1]?.source.kill();
    const failed = await client.preparationWhen(id, ({ state }) => state === 'failed', overMs);
    expect(failed.error?.type).toBe('urn:pageferry:error:memory-unreadable');
  });
});

test('the command prepares guests, lists what there is, and lets go of it', async () => {
  const pairs = await boot();
  const { sourceAgent } = agents();
  const prepared = await runPageferry(sourceAgent, ['prepare', '--all', '--processor-share', '50', '--json']);
  expect(prepared).toMatchObject({ code: 0 });
  expect(prepared.errors).toContain(`${size} guests are prepared: `);
  const { id } = checked(Preparation, JSON.parse(prepared.output));
  // Columns are as wide as what is in them: there are the preparations of the tests before, too.
  const row = new RegExp(`^${id} +ready +guest1 guest2 `, 'm');
  expect((await runPageferry(sourceAgent, ['prepare', '--list'])).output).toMatch(row);
  expect(await runPageferry(sourceAgent, ['prepare', '--end', id])).toMatchObject({ code: 0 });
  await expect(sourceAgent.client.preparation(id)).rejects.toThrow('preparation-not-found');
  // The monitors of its guests are free, and were all the time.
  const gang = await move(pairs);
  expect(gang).toMatchObject({ state: 'completed', preparation: null, contents: { lone: 0 } });
});
