import { createHash, randomBytes } from 'node:crypto';
import { copyFile, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { moveGuest, requestMove } from '../agents/move-guest.js';
import type { Migration, Mode } from '../agents/migration.js';
import { eventually } from '../environment/deadline.js';
import { createDisk, type DiskOptions } from '../guests/disk.js';
import type { Guest } from '../guests/guest.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { run } from './support/introspected-guest.js';
import { useAgents } from './support/use-agents.js';

/** A link that brings less in a second than storage does. */
const agents = useAgents({ megabitsPerSecond: 200 });

const mib = 2 ** 20;
const pagesPerMib = 256;
const fillMiB = 16;
const cachedMiB = 48;
const diskMiB = 96;
/** The guest finds that much of its disk again, whatever else it does with it. */
const verifyDeadlineMs = 60_000;

/** A file of random bytes on the disk is in the page cache. */
async function bootWithCache(format: DiskOptions['format'] = 'raw'): Promise<{ guest: Guest; sum: string }> {
  const { directory } = agents().source;
  const path = join(directory, `cached.${format}`);
  const content = join(directory, 'content');
  const bytes = randomBytes(cachedMiB * mib);
  await mkdir(content, { recursive: true });
  await writeFile(join(content, 'cached'), bytes);
  await createDisk(path, { format, sizeMiB: diskMiB, content });
  const guest = await bootGuest(agents().source, { memoryMiB: 256, fillMiB, disk: { path, format } });
  await run(guest, 'cat /mnt/cached > /dev/null');
  return { guest, sum: `${createHash('md5').update(bytes).digest('hex')}  -` };
}

/** What the file system itself may read beside the file. */
const fewSectors = 64;

/** The file is in the guest's cache, as it was, and on its disk. */
async function expectFile(guest: Guest, sum: string): Promise<void> {
  const sectorsRead = async (): Promise<number> =>
    Number(await guest.workload.output('awk \'$3 == "vda" { print $6 }\' /proc/diskstats'));
  const before = await sectorsRead();
  expect(await guest.workload.output('md5sum < /mnt/cached')).toBe(sum);
  expect((await sectorsRead()) - before).toBeLessThan(fewSectors);
  await run(guest, 'echo 3 > /proc/sys/vm/drop_caches');
  expect(await guest.workload.output('md5sum < /mnt/cached')).toBe(sum);
}

const restoredMiB = ({ storage }: Migration): number => (storage?.restored ?? 0) / pagesPerMib;

describe('page cache that a disk of both hosts has', () => {
  test.each<Mode>(['precopy', 'hybrid', 'postcopy'])('comes from there by %s', async (mode) => {
    const { guest, sum } = await bootWithCache();
    const { migration, destination } = await moveGuest(guest, agents(), { mode });
    expect(migration.storage?.disks).toEqual([{ name: 'vda', bytes: diskMiB * mib, state: 'shared' }]);
    expect(restoredMiB(migration)).toBeGreaterThan(cachedMiB / 8);
    const { received } = await agents().destinationAgent.client.get(migration.id);
    expect(received.restoredPages).toBeGreaterThanOrEqual(migration.storage?.restored ?? 0);
    await expectFile(destination, sum);
    await expectWhole(destination, filledPages(fillMiB));
  });

  test('comes out of a qcow2 image', async () => {
    const { guest, sum } = await bootWithCache('qcow2');
    const { migration, destination } = await moveGuest(guest, agents(), { mode: 'hybrid' });
    expect(restoredMiB(migration)).toBeGreaterThan(cachedMiB / 8);
    await expectFile(destination, sum);
    await expectWhole(destination, filledPages(fillMiB));
  });

  test('goes over the network if the request says so', async () => {
    const { guest, sum } = await bootWithCache();
    const { migration, destination } = await moveGuest(guest, agents(), { mode: 'precopy', storage: 'off' });
    expect(migration.storage).toBeNull();
    expect(migration.bytes.sent).toBeGreaterThan(cachedMiB * mib);
    await expectFile(destination, sum);
  });
});

test.each<Mode>(['precopy', 'hybrid'])(
  'a guest that rewrites its files all the time finds each as it left it after %s',
  async (mode) => {
    const { guest, sum } = await bootWithCache();
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
    await expectWhole(destination, filledPages(fillMiB));
  },
);

describe('a disk of the destination', () => {
  /** Moves a guest into a QEMU whose disk is another file, as `change` leaves it. */
  async function moveOnto(change: (path: string) => Promise<void>, mode: Mode): Promise<Migration> {
    const { guest, sum } = await bootWithCache();
    const { disk } = guest.options;
    if (disk === undefined) throw new Error('the guest has a disk');
    const path = `${agents().source.directory}/other.raw`;
    await copyFile(disk.path, path);
    await change(path);
    const there = { ...guest.options, disk: { ...disk, path }, incoming: true };
    const destination = await agents().destination.startGuest(there);
    const { id } = await requestMove(guest, agents(), { mode });
    const migration = await agents().sourceAgent.client.waitUntil(id, ['completed'], verifyDeadlineMs);
    expect(await destination.workload.output('md5sum < /mnt/cached')).toBe(sum);
    await expectWhole(destination, filledPages(fillMiB));
    return migration;
  }

  test.each<Mode>(['precopy', 'hybrid'])(
    'with nothing of the guest on it is found out by %s',
    async (mode) => {
      const migration = await moveOnto(async (path) => {
        const file = await open(path, 'r+');
        await file.truncate(0);
        await file.truncate(diskMiB * mib);
        await file.close();
      }, mode);
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
