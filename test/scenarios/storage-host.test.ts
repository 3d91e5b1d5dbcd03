import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventually, withDeadline } from '../environment/deadline.js';
import { run } from '../environment/run.js';
import { busyFiles, checkBusyFiles, startBusyFiles, stopBusyFiles } from '../guests/busy-files.js';
import { createDisk } from '../guests/disk.js';
import type { GuestDisk } from '../guests/guest-disk.js';
import type { Guest } from '../guests/guest.js';
import { Guests } from '../guests/guests.js';
import { openHosts, type Hosts } from '../hosts/hosts.js';
import { migrateByQemu } from '../hosts/qemu-migration.js';
import { openStorageHost, type StorageHost } from '../hosts/storage-host.js';
import { alike } from './support/alike.js';

const memoryMiB = 256;
const mebibyte = 1024 * 1024;
const waitMs = 60_000;
const someOperations = 100;
/** Two guests that boot one after the other, and verify all that they have. */
const movingMs = 120_000;

let hosts: Hosts;
let storage: StorageHost;
let guests: Guests;

beforeAll(async () => {
  guests = await Guests.create();
});
beforeEach(async () => {
  hosts = await openHosts();
  storage = await openStorageHost(hosts);
});
afterEach(async () => {
  await guests.kill();
  await storage.close();
  await hosts.close();
});
afterAll(async () => {
  await guests.close();
});

/** What the storage host exports of a raw image in this format, as both hosts have it. */
async function sharedDisk(image: string, format: 'raw' | 'qcow2'): Promise<GuestDisk> {
  const path = `${image}.${format}`;
  await run('qemu-img', ['convert', '-f', 'raw', '-O', format, image, path]);
  const { url } = await storage.serve({ path, format });
  return { path: url, format: 'raw' };
}

const start = (side: 'source' | 'destination', disk: GuestDisk): Promise<Guest> =>
  guests.start({
    name: side,
    memoryMiB,
    disk,
    incoming: side === 'destination',
    networkNamespace: hosts[side].networkNamespace,
  });

const busy = alike(
  () => ({ startGuest: (options) => guests.start(options) }),
  async () => {
    const path = join(guests.directory, 'busy.raw');
    await createDisk(path, { format: 'raw' });
    const guest = await start('source', { path, format: 'raw' });
    await guest.waitUntilReady();
    await startBusyFiles(guest);
    await operations(guest, someOperations);
    return guest;
  },
);

/** A guest in the middle of its work with files, which are on the storage host. */
const startBusy = (format: 'raw' | 'qcow2'): Promise<Guest> =>
  busy({
    networkNamespace: hosts.source.networkNamespace,
    disk: (image) => sharedDisk(image, format),
  });

const operations = (guest: Guest, more: number): Promise<unknown> => {
  let first: number | undefined;
  return eventually(
    async () => (await busyFiles(guest)).operations > (first ??= (await busyFiles(guest)).operations) + more,
    waitMs,
    'work with files',
    200,
  );
};

describe('a guest whose disk is on a storage host', () => {
  test.each([
    ['raw', 'precopy'],
    ['qcow2', 'postcopy'],
  ] as const)(
    'has all its files, of a %s image, when it has moved by %s',
    async (format, method) => {
      const source = await startBusy(format);
      const destination = await start('destination', source.options.disk ?? expect.fail('it has a disk'));
      await hosts.shape(1000);
      const moved = await migrateByQemu(hosts, source, destination, { method, timeLimitMs: waitMs });
      expect(moved).toMatchObject({ completed: true });
      await destination.waitUntilReady();
      await operations(destination, someOperations);
      await stopBusyFiles(destination);
      const checked = await checkBusyFiles(destination);
      expect(destination.workload.reportedErrors).toEqual([]);
      expect(checked.errors).toBe(0);
      expect(checked.bytes).toBeGreaterThan(8 * mebibyte);
    },
    movingMs,
  );

  test('reads it over a link of its own, and not over that between the hosts', async () => {
    const guest = await startBusy('raw');
    await stopBusyFiles(guest);
    const [before, between] = [await storage.traffic('source'), await hosts.source.traffic()];
    await storage.shape(100);
    const { bytes } = await checkBusyFiles(guest);
    const [after, later] = [await storage.traffic('source'), await hosts.source.traffic()];
    // Holes and zeroes are read as nothing.
    expect(after.receivedBytes - before.receivedBytes).toBeGreaterThan(bytes / 4);
    if (hosts.source.networkNamespace === undefined) return;
    // Neighbours are looked for now and then.
    expect(later.receivedBytes - between.receivedBytes).toBeLessThan(bytes / 100);
  });
});

test('whoever spoils what is in the page cache is found out by the files, and so is who spoils the disk', async () => {
  const path = join(guests.directory, 'disk.raw');
  await createDisk(path, { format: 'raw' });
  const guest = await start('source', { path, format: 'raw' });
  await guest.waitUntilReady();
  await startBusyFiles(guest, { files: 16, operationsPerSecond: 100 });
  await stopBusyFiles(guest);
  const spoil =
    'f=$(ls /mnt/busy/* | head -n 1); printf x | dd of=$f bs=1 seek=5000 conv=notrunc 2> /dev/null';
  expect(await guest.workload.shell(spoil)).toBe(0);
  // From the cache, and from the disk, to which it was written.
  expect((await checkBusyFiles(guest)).errors).toBe(2);
});

test('a storage host may serve images whose reads fail, beside those whose do not', async () => {
  const path = join(guests.directory, 'disk.raw');
  await createDisk(path, { format: 'raw' });
  const convert = async (url: string): Promise<boolean> => {
    const { exited } = await hosts.destination.start('qemu-img', [
      'convert',
      ...['-f', 'raw', '-O', 'raw', url, `${path}.copy`],
    ]);
    return (await exited).code === 0;
  };
  const failing = await storage.serve({ path, format: 'raw', readsFail: true });
  expect(await convert(failing.url)).toBe(false);
  const good = await storage.serve({ path, format: 'raw', readOnly: true });
  expect(await convert(good.url)).toBe(true);
});

describe('a storage host that is closed', () => {
  test('has ended its servers, and left no namespace', async () => {
    const path = join(guests.directory, 'disk.raw');
    await createDisk(path, { format: 'raw' });
    const { pid, url } = await storage.serve({ path, format: 'raw' });
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    expect(url).toMatch(/^nbd:\/\/[\d.]+:\d+\/disk$/);
    await withDeadline(storage.close(), waitMs, 'the end of a storage host');
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    if (hosts.source.networkNamespace === undefined) return;
    const names = await run('ip', ['netns', 'list']);
    expect(names).not.toMatch(new RegExp(`^pageferry-${process.pid}-\\d+-storage`, 'm'));
  });

  test('tells why it cannot serve an image', async () => {
    const path = join(guests.directory, 'none.raw');
    await expect(storage.serve({ path, format: 'raw' })).rejects.toThrow(/none\.raw/);
  });
});
