import { describe, expect, test } from 'vitest';
import { requestMove, startIncoming } from '../agents/move-guest.js';
import type { Migration } from '../agents/migration.js';
import type { MigrationRequest } from '../agents/source-client.js';
import type { Guest } from '../guests/guest.js';
import type { Content, WritePlan } from '../guests/workload.js';
import { alike } from './support/alike.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { useAgents } from './support/use-agents.js';

const megabitsPerSecond = 400;
const agents = useAgents({ megabitsPerSecond });
const linkBytesPerSecond = megabitsPerSecond * 125_000;
const memoryMiB = 256;
const fillMiB = 96;
const overMs = 100_000;
/** What a guest of 256 MiB has in it beside what is filled: less than this many pages. */
const otherPages = 24_000;

const fullOf = (content: Content) =>
  alike(
    () => agents().source,
    async () => {
      const guest = await agents().source.startGuest({ name: 'guest', memoryMiB });
      await guest.waitUntilReady();
      await guest.workload.fill(fillMiB, 1, content);
      return guest;
    },
  );
const guests = { random: fullOf('random'), text: fullOf('text') } as const;

async function bootWriting(content: keyof typeof guests, ...plans: readonly WritePlan[]): Promise<Guest> {
  const guest = await guests[content]();
  await guest.workload.write(...plans);
  return guest;
}

async function move(
  guest: Guest,
  request: Omit<MigrationRequest, 'guest' | 'destination'>,
): Promise<{ readonly destination: Guest; readonly migration: Migration }> {
  const destination = await startIncoming(guest, agents().destination);
  const { id } = await requestMove(guest, agents(), request);
  const migration = await agents().sourceAgent.client.waitUntilOver(id, overMs);
  return { destination, migration };
}

async function moveWhole(
  guest: Guest,
  request: Omit<MigrationRequest, 'guest' | 'destination'>,
): Promise<Migration> {
  const { destination, migration } = await move(guest, request);
  expect(migration).toMatchObject({ state: 'completed', error: null });
  await destination.waitUntilReady();
  await expectWhole(destination, filledPages(fillMiB));
  return migration;
}

/** A quarter of the memory is rewritten faster than the link carries. */
const hot: WritePlan = { megabytesPerSecond: 90, startPercent: 50, sizePercent: 50 };

describe('a guest that writes faster than the link carries', () => {
  test('goes by pre-copy with few pages sent twice, when it may be stopped for the rest', async () => {
    const guest = await bootWriting('random', hot);
    const migration = await moveWhole(guest, { mode: 'precopy', whenStalled: 'stop' });
    const { iterationTable, iterations, pages } = migration;
    expect(iterations).toBe(iterationTable.length);
    expect(iterationTable.some(({ skippedPages }) => skippedPages > 0)).toBe(true);
    expect(iterationTable.some(({ accumulatedRate }) => accumulatedRate > 0)).toBe(true);
    const sent = iterationTable.reduce((sum, { sentPages }) => sum + sentPages, 0);
    expect(sent).toBeLessThanOrEqual(pages.normal + pages.delta + pages.unchanged + pages.zero);
    expect(pages.normal + pages.delta).toBeLessThan(3 * (filledPages(fillMiB) + otherPages));
  });

  test('goes by hybrid with no page sent more than twice', async () => {
    const guest = await bootWriting('random', hot);
    const { pages, memory, history } = await moveWhole(guest, { mode: 'hybrid' });
    expect(history.map(({ state }) => state)).toContain('postcopy-active');
    expect(pages.normal + pages.zero).toBeLessThanOrEqual(2 * (memory?.pages ?? 0));
    expect(pages).toMatchObject({ delta: 0, unchanged: 0 });
  });

  test('stays, running, when the request says to cancel', async () => {
    const guest = await bootWriting('random', { ...hot, megabytesPerSecond: 120 });
    const request = { mode: 'precopy', whenStalled: 'cancel', downtimeLimitMs: 20 } as const;
    const { migration, destination } = await move(guest, request);
    expect(migration).toMatchObject({
      state: 'failed',
      error: { type: 'urn:pageferry:error:not-converging' },
    });
    await destination.exited;
    await expectWhole(guest, filledPages(fillMiB));
  });
});

test('a guest that changes a few words of its pages goes as deltas, and arrives whole', async () => {
  const guest = await bootWriting('random', { ...hot, sizePercent: 25, extent: 'words' });
  const { pages } = await moveWhole(guest, { mode: 'precopy', whenStalled: 'stop' });
  expect(pages.delta).toBeGreaterThan(1000);
});

test.each(['precopy', 'postcopy'] as const)(
  'a guest full of text goes compressed by %s, and arrives whole',
  async (mode) => {
    const guest = await bootWriting('text', { megabytesPerSecond: 5 });
    const { pages, bytes } = await moveWhole(guest, { mode });
    // How many depends on what else the processors do: only what pays is compressed.
    expect(pages.compressed).toBeGreaterThan(0);
    expect(bytes.sent).toBeLessThan((pages.normal - pages.compressed / 4) * 4096);
  },
);

describe('a limit on the bandwidth', () => {
  /** The least time that so many bytes may take, with what 5% allow and a first burst. */
  const leastMs = (bytes: number, limit: number): number => (bytes / (limit * 1.05)) * 1000 - 100;
  const limit = Math.round(linkBytesPerSecond / 3);
  const boot = alike(
    () => agents().source,
    () => bootGuest(agents().source, { memoryMiB, fillMiB: 64 }),
  );

  test('of the request is kept before and after the switch-over', async () => {
    const guest = await boot();
    await guest.workload.write({ megabytesPerSecond: 5 });
    const { migration, destination } = await move(guest, {
      mode: 'hybrid',
      bandwidthCaps: { precopy: limit, postcopy: limit },
    });
    expect(migration.state).toBe('completed');
    expect(migration.totalMs).toBeGreaterThan(leastMs(migration.bytes.sent, limit));
    await destination.waitUntilReady();
    await expectWhole(destination, filledPages(64));
  });

  test('can be set and taken away while the guest moves', async () => {
    const guest = await boot();
    const destination = await startIncoming(guest, agents().destination);
    const { client } = agents().sourceAgent;
    // At 100 kB a second it would take a quarter of an hour.
    const { id } = await requestMove(guest, agents(), {
      mode: 'precopy',
      bandwidthCaps: { precopy: 100_000 },
    });
    await client.waitUntil(id, ['active'], overMs);
    expect((await client.limit(id, { postcopy: 5_000_000 })).bandwidthCaps).toEqual({
      precopy: 100_000,
      postcopy: 5_000_000,
    });
    expect((await client.limit(id, { precopy: 0 })).bandwidthCaps.precopy).toBe(0);
    expect(await client.waitUntilOver(id, overMs)).toMatchObject({ state: 'completed' });
    await destination.waitUntilReady();
    await expectWhole(destination, filledPages(64));
    await expect(client.limit(id, { precopy: 1 })).rejects.toMatchObject({
      problem: { type: 'urn:pageferry:error:migration-state' },
    });
  });
});
