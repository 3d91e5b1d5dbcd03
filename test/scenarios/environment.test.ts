import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { corruptPage } from '../guests/corruption.js';
import { createDisk } from '../guests/disk.js';
import { Guests } from '../guests/guests.js';
import { longestGap, monotonicMs } from '../guests/heartbeat.js';
import { differingPages } from '../guests/memory-comparison.js';
import type { WritePlan } from '../guests/workload.js';
import { openHosts, type Hosts } from '../hosts/hosts.js';
import { migrateByQemu, type QemuMigrationMethod } from '../hosts/qemu-migration.js';
import { alike } from './support/alike.js';

const memoryMiB = 192;
const pagesPerMib = 256;

let guests: Guests;

beforeAll(async () => {
  guests = await Guests.create();
});
afterEach(async () => {
  await guests.kill();
});
afterAll(async () => {
  await guests.close();
});

async function bootGuest(options: Partial<Parameters<Guests['start']>[0]> = {}) {
  const guest = await guests.start({ name: 'source', memoryMiB, ...options });
  await guest.waitUntilReady();
  return guest;
}

/** One like it, when it has booted. */
const startBooted = alike(
  () => ({ startGuest: (options) => guests.start(options) }),
  () => bootGuest(),
);

describe('the guest', () => {
  test.each(['pc', 'q35'] as const)('boots on %s, fills its memory and finds it whole', async (machine) => {
    const { workload } = await bootGuest({ machine, vcpus: 2 });
    await workload.fill(16, 1, 'random');
    await workload.fill(16, 2, 'text');
    await workload.fill(16, 3, 'zero');
    await workload.write({ megabytesPerSecond: 20, startPercent: 25, sizePercent: 50 });
    await sleep(300);
    await workload.write(
      { megabytesPerSecond: 20, sizePercent: 50, pattern: 'sequential', extent: 'words' },
      { megabytesPerSecond: 20, startPercent: 50, pattern: 'zipf' },
    );
    await sleep(300);
    expect(await workload.check()).toMatchObject({ pages: 48 * pagesPerMib, errors: 0 });
    await workload.stopWriting();
    const status = await workload.status();
    expect(status).toMatchObject({ errors: 0, processors: 2 });
    expect(status.written).toBeGreaterThan(1000);
    expect(workload.reportedErrors).toEqual([]);
    expect(await workload.output('echo one two; echo three')).toBe('one two');
    await expect(workload.output('exit 3')).rejects.toThrow('failed in the guest');
  });

  test('writes by several plans at once, each at its own rate, and stops', async () => {
    const { workload } = await startBooted();
    await workload.fill(32);
    const fast = { megabytesPerSecond: 40, sizePercent: 50 } as const;
    const slow = { megabytesPerSecond: 4, startPercent: 50, pattern: 'zipf' } as const;
    const writtenBy = async (...plans: readonly WritePlan[]): Promise<number> => {
      const before = await workload.status();
      await workload.write(...plans);
      await sleep(500);
      await workload.stopWriting();
      const after = await workload.status();
      return after.written - before.written;
    };
    const [both, slowOnly] = [await writtenBy(fast, slow), await writtenBy(slow)];
    expect(both).toBeGreaterThan(3 * slowOnly);
    expect(slowOnly).toBeGreaterThan(0);
    expect(await writtenBy()).toBe(0);
    expect(await workload.check()).toMatchObject({ errors: 0 });
  });

  test('reports a corrupted page with its number', async () => {
    const guest = await startBooted();
    await guest.workload.fill(32);
    await corruptPage(guest, 1234, 2048);
    expect(await guest.workload.check()).toMatchObject({ errors: 1 });
    expect(guest.workload.reportedErrors).toEqual([
      expect.stringMatching(/page=1234 version=1 .* word=256 /),
    ]);
  });

  test('reports a corrupted page when it is about to be rewritten', async () => {
    const guest = await startBooted();
    await guest.workload.fill(4);
    await corruptPage(guest, 100, 4095);
    await guest.workload.write({ megabytesPerSecond: 100, pattern: 'sequential' });
    await sleep(500);
    expect(await guest.workload.status()).toMatchObject({ errors: 1 });
  });

  test.each(['raw', 'qcow2'] as const)('writes and verifies files on a %s disk', async (format) => {
    const path = `${guests.directory}/disk`;
    await createDisk(path, { format });
    const { workload } = await bootGuest({ disk: { path, format } });
    await workload.disk('on');
    await sleep(1000);
    await workload.disk('off');
    const check = await workload.checkDisk();
    expect(check.errors).toBe(0);
    expect(check.files).toBeGreaterThan(0);
  });

  test('shows in its heartbeat for how long it was stopped', async () => {
    const guest = await startBooted();
    await guest.workload.fill(16);
    await guest.workload.write({ megabytesPerSecond: 20 });
    await sleep(100);
    const from = monotonicMs();
    await guest.monitor.execute('stop');
    await sleep(200);
    await guest.monitor.execute('cont');
    await sleep(100);
    const gap = longestGap([await guest.workload.heartbeats()], from, monotonicMs());
    expect(gap.milliseconds).toBeGreaterThan(195);

    await guest.workload.beatEvery(150);
    const slower = monotonicMs();
    await sleep(500);
    expect(
      longestGap([await guest.workload.heartbeats()], slower, monotonicMs()).milliseconds,
    ).toBeGreaterThan(140);
  });

  test('takes its processes with it when it powers off', async () => {
    const guest = await bootGuest();
    await guest.workload.poweroff();
    expect(await guest.exited).toEqual({ code: 0, signal: null });
  });
});

describe("QEMU's own migration", () => {
  let hosts: Hosts;

  beforeEach(async () => {
    hosts = await openHosts({ megabitsPerSecond: 1000 });
  });

  afterEach(async () => {
    await guests.kill();
    await hosts.close();
  });

  async function startPair() {
    const source = await startBooted({ networkNamespace: hosts.source.networkNamespace });
    const destination = await guests.start({
      name: 'destination',
      memoryMiB,
      incoming: true,
      networkNamespace: hosts.destination.networkNamespace,
    });
    return { source, destination };
  }

  test.each<QemuMigrationMethod>(['multifd-zstd', 'postcopy'])(
    'by %s keeps a writing guest whole',
    async (method) => {
      const { source, destination } = await startPair();
      await source.workload.fill(64);
      await source.workload.write({ megabytesPerSecond: 10 });
      const before = await hosts.destination.traffic();
      const result = await migrateByQemu(hosts, source, destination, { method, timeLimitMs: 20_000 });
      expect(result).toMatchObject({ completed: true, status: 'completed' });
      expect(result.downtimeMs).toBeGreaterThan(0);
      expect(result.pages).toBeGreaterThan(64 * pagesPerMib);
      const { receivedBytes } = await hosts.destination.traffic();
      expect(receivedBytes - before.receivedBytes).toBeGreaterThan(64 * pagesPerMib * 4096);

      await destination.waitUntilReady();
      expect(await destination.workload.check()).toMatchObject({ pages: 64 * pagesPerMib, errors: 0 });
      const heartbeats = [await source.workload.heartbeats(), await destination.workload.heartbeats()];
      const gap = longestGap(heartbeats, result.from, result.to);
      expect(gap.milliseconds).toBeGreaterThan(1);
    },
  );

  test('copies a stopped guest bit for bit, and a flipped bit is seen', async () => {
    const { source, destination } = await startPair();
    await source.workload.fill(32);
    await source.monitor.execute('stop');
    await migrateByQemu(hosts, source, destination, { method: 'precopy', timeLimitMs: 20_000 });
    expect(await differingPages(source, destination)).toEqual([]);
    await corruptPage(destination, 77, 8);
    expect(await differingPages(source, destination)).toMatchObject([{ block: 'pc.ram' }]);
  });

  test('that cannot converge ends at its time limit with the guest running on the source', async () => {
    const { source, destination } = await startPair();
    await hosts.shape(100);
    await source.workload.fill(64);
    await source.workload.write({ megabytesPerSecond: 50 });
    const result = await migrateByQemu(hosts, source, destination, { method: 'precopy', timeLimitMs: 1000 });
    expect(result).toMatchObject({ completed: false, status: 'cancelled' });
    expect(await source.state()).toBe('running');
  });
});
