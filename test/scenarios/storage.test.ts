import { copyFile, open } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { moveGuest, requestMove, startIncoming } from '../agents/move-guest.js';
import type { Migration, Mode } from '../agents/migration.js';
import { eventually } from '../environment/deadline.js';
import type { DiskOptions } from '../guests/disk.js';
import type { Guest } from '../guests/guest.js';
import { bootWithCache, cachedMiB, diskMiB, expectAllElse, expectFile } from './support/cached-file.js';
import { useAgents } from './support/use-agents.js';

/** A link that brings less in a second than storage does. */
const agents = useAgents({ megabitsPerSecond: 200 });

const mib = 2 ** 20;
const pagesPerMib = 256;
/** The guest finds that much of its disk again, whatever else it does with it. */
const verifyDeadlineMs = 60_000;

const restoredMiB = ({ storage }: Migration): number => (storage?.restored ?? 0) / pagesPerMib;

describe('page cache that a disk of both hosts has', () => {
  test.each<Mode>(['precopy', 'hybrid', 'postcopy'])('comes from there by %s', async (mode) => {
    const { guest, sum } = await bootWithCache(agents());
    const { migration, destination } = await moveGuest(guest, agents(), { mode });
    expect(migration.storage?.disks).toEqual([{ name: 'vda', bytes: diskMiB * mib, state: 'shared' }]);
    expect(restoredMiB(migration)).toBeGreaterThan(cachedMiB / 8);
    const { received } = await agents().destinationAgent.client.get(migration.id);
    expect(received.restoredPages).toBeGreaterThanOrEqual(migration.storage?.restored ?? 0);
    await expectFile(destination, sum);
    await expectAllElse(destination);
  });

  test('comes out of a qcow2 image', async () => {
    const { guest, sum } = await bootWithCache(agents(), { format: 'qcow2' });
    const { migration, destination } = await moveGuest(guest, agents(), { mode: 'hybrid' });
    expect(restoredMiB(migration)).toBeGreaterThan(cachedMiB / 8);
    await expectFile(destination, sum);
    await expectAllElse(destination);
  });

  test.each<Mode>(['precopy', 'hybrid'])(
    'is found by what it has, of a guest that is not looked into, by %s',
    async (mode) => {
      const { guest, sum } = await bootWithCache(agents());
      const pageFilter = { free: false, cache: false };
      const { migration, destination } = await moveGuest(guest, agents(), { mode, pageFilter });
      expect(migration.pageFilter?.state).toBe('off');
      expect(migration.storage?.disks).toMatchObject([{ bytes: diskMiB * mib, state: 'shared' }]);
      expect(restoredMiB(migration)).toBeGreaterThan(cachedMiB / 8);
      await expectFile(destination, sum);
      await expectAllElse(destination);
    },
  );

  test.each<Mode>(['precopy', 'hybrid'])(
    'comes from there for guests that leave together, by %s',
    async (mode) => {
      const guests = [
        await bootWithCache(agents(), { name: 'one' }),
        await bootWithCache(agents(), { name: 'two' }),
      ];
      const arrived = await Promise.all(
        guests.map(({ guest }) => startIncoming(guest, agents().destination)),
      );
      const { client } = agents().sourceAgent;
      const names = guests.map(({ guest }) => guest.name);
      const { id } = await client.moveGang({
        ...{ guests: names, mode },
        destination: { url: agents().destinationAgent.url },
      });
      const gang = await client.gangWhenOver(id, verifyDeadlineMs);
      expect(gang.state).toBe('completed');
      const moved = await Promise.all(gang.guests.map(({ migration }) => client.get(migration ?? '')));
      for (const { storage } of moved) expect(storage?.disks).toMatchObject([{ state: 'shared' }]);
      // What one of them has had sent, the other one need not read.
      expect(moved.reduce((sum, migration) => sum + restoredMiB(migration), 0)).toBeGreaterThan(
        cachedMiB / 8,
      );
      for (const [index, destination] of arrived.entries()) {
        await expectFile(destination, guests[index]?.sum ?? '');
        await expectAllElse(destination);
      }
    },
  );

  test('goes over the network if the request says so', async () => {
    const { guest, sum } = await bootWithCache(agents());
    const { migration, destination } = await moveGuest(guest, agents(), { mode: 'precopy', storage: 'off' });
    expect(migration.storage).toBeNull();
    expect(migration.bytes.sent).toBeGreaterThan(cachedMiB * mib);
    await expectFile(destination, sum);
  });
});

test.each<Mode>(['precopy', 'hybrid'])(
  'a guest that rewrites its files all the time finds each as it left it after %s',
  async (mode) => {
    const { guest, sum } = await bootWithCache(agents());
    await guest.workload.disk('on');
    const filesOf = async (of: Guest): Promise<number> => (await of.workload.status()).files;
    await eventually(
      async () => (await filesOf(guest)) > 3,
      verifyDeadlineMs,
      'files that the guest writes',
      100,
    );
    const { migration, destination } = await moveGuest(guest, agents(), { mode });
    expect(restoredMiB(migration)).toBeGreaterThan(0);
    const before = await filesOf(destination);
    await eventually(
      async () => (await filesOf(destination)) > before + 3,
      verifyDeadlineMs,
      'files that the guest writes there',
      100,
    );
    await destination.workload.disk('off');
    const check = await destination.workload.checkDisk();
    expect(check.errors).toBe(0);
    expect(await destination.workload.output('md5sum < /mnt/cached')).toBe(sum);
    await expectAllElse(destination);
  },
);

/** Starts a QEMU that waits for a guest with a copy of its disk, as `change` leaves that. */
async function startWithOther(guest: Guest, change: (path: string) => Promise<void>): Promise<Guest> {
  const { disk } = guest.options;
  if (disk === undefined) throw new Error('the guest has a disk');
  const path = `${agents().source.directory}/other.raw`;
  await copyFile(disk.path, path);
  await change(path);
  return agents().destination.startGuest({ ...guest.options, disk: { ...disk, path }, incoming: true });
}

/** Leaves nothing on a disk, and makes it so long. */
async function clear(path: string, sizeMiB = diskMiB): Promise<void> {
  const file = await open(path, 'r+');
  await file.truncate(0);
  await file.truncate(sizeMiB * mib);
  await file.close();
}

describe('a dry run', () => {
  const compareDisks = async (guest: Guest, storage: 'auto' | 'off' = 'auto') => {
    const { sourceAgent, destinationAgent } = agents();
    const destination = { url: destinationAgent.url };
    return sourceAgent.client.compareDisks({ guest: guest.name, destination, storage });
  };
  const bytes = diskMiB * mib;

  test.each<DiskOptions['format']>(['raw', 'qcow2'])(
    'finds a %s disk that both hosts share by what is in it, and leaves the guest to be moved',
    async (format) => {
      const { guest, sum } = await bootWithCache(agents(), { format });
      const destination = await startIncoming(guest, agents().destination);
      const report = await compareDisks(guest);
      expect(report).toMatchObject({
        reason: null,
        disks: [{ name: 'vda', bytes, state: 'shared', sameImage: true }],
      });
      expect(report?.disks[0]?.samples.equal).toBeGreaterThan(8);
      const { id } = await requestMove(guest, agents(), { mode: 'hybrid' });
      await agents().sourceAgent.client.waitUntil(id, ['completed'], verifyDeadlineMs);
      await expectFile(destination, sum);
    },
  );

  test('tells disks from others that are as long, and asks for none where the request says so', async () => {
    const { guest } = await bootWithCache(agents());
    await startWithOther(guest, clear);
    const report = await compareDisks(guest);
    expect(report).toMatchObject({ reason: null, disks: [{ state: 'different', sameImage: false }] });
    expect(report?.disks[0]?.samples).toMatchObject({ equal: 0, unreadable: 0 });
    expect(await compareDisks(guest, 'off')).toBeNull();
  });

  test('says that no disk there is as long', async () => {
    const { guest } = await bootWithCache(agents());
    await startWithOther(guest, async (path) => clear(path, diskMiB + 1));
    expect(await compareDisks(guest)).toMatchObject({ disks: [{ state: 'absent', there: null }] });
  });
});

describe('a disk of the destination', () => {
  /** Moves a guest into a QEMU whose disk is another file, as `change` leaves it. */
  async function moveOnto(change: (path: string) => Promise<void>, mode: Mode): Promise<Migration> {
    const { guest, sum } = await bootWithCache(agents());
    const destination = await startWithOther(guest, change);
    const { id } = await requestMove(guest, agents(), { mode });
    const migration = await agents().sourceAgent.client.waitUntil(id, ['completed'], verifyDeadlineMs);
    expect(await destination.workload.output('md5sum < /mnt/cached')).toBe(sum);
    await expectAllElse(destination);
    return migration;
  }

  test.each<Mode>(['precopy', 'hybrid'])(
    'with nothing of the guest on it is found out by %s',
    async (mode) => {
      const migration = await moveOnto(clear, mode);
      expect(migration.storage).toMatchObject({ disks: [{ name: 'vda', state: 'different' }], restored: 0 });
    },
  );

  test.each<Mode>(['precopy', 'hybrid'])('with old contents brings what is not old by %s', async (mode) => {
    const migration = await moveOnto(async (path) => {
      const file = await open(path, 'r+');
      const piece = Buffer.alloc(64 * 1024);
      // A quarter of it, as an image has that was copied some time ago.
      for (let at = 16 * mib; at < diskMiB * mib; at += 4 * piece.length)
        await file.write(piece, 0, piece.length, at);
      await file.close();
    }, mode);
    expect(migration.storage?.disks).toMatchObject([{ name: 'vda', state: 'shared' }]);
    expect(migration.storage?.unrestored).toBeGreaterThan(0);
    expect(restoredMiB(migration)).toBeGreaterThan(0);
  });
});
