import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { pageClass } from '@pageferry/introspect';
import { moveGuest, requestMove, startIncoming } from '../agents/move-guest.js';
import type { Mode } from '../agents/migration.js';
import { eventually } from '../environment/deadline.js';
import { checkCounting, untilCounting, writeCountingFirmware } from '../guests/counting-firmware.js';
import { createDisk } from '../guests/disk.js';
import type { Guest } from '../guests/guest.js';
import type { GuestHardware } from '../guests/qemu-arguments.js';
import { differingPages } from '../guests/memory-comparison.js';
import { alike } from './support/alike.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { classify, inspect } from './support/inspected-guest.js';
import { inflateBalloon, plugIn, qemuWith, resizable, run } from './support/introspected-guest.js';
import { useAgents } from './support/use-agents.js';

/** A link on which the guest's kernel is found before much of its memory has gone. */
const agents = useAgents({ megabitsPerSecond: 1000 });

const pagesPerMib = 256;
const mib = 2 ** 20;
const fillMiB = 48;
const freedMiB = 80;
const cachedMiB = 64;
/** Until nothing of the kernel that was reset answers any more. */
const rebootingMs = 500;

/** A guest with pages in use, and more free ones that are not zero. */
async function bootWithFreedMemory(hardware: Partial<GuestHardware> = {}): Promise<Guest> {
  const guest = await bootGuest(agents().source, {
    memoryMiB: 256,
    vcpus: 2,
    fillMiB,
    megabytesPerSecond: 10,
    ...hardware,
  });
  await guest.workload.useAndFree(freedMiB);
  return guest;
}

const guestWithFreedMemory = alike(
  () => agents().source,
  () => bootWithFreedMemory(),
);

/** In the guest, until it is told to end: files of a tmpfs come, are read again, and go. */
const work = [
  'while [ ! -e /tmp/end ]',
  'do dd if=/dev/urandom of=/tmp/busy bs=64k count=80 2> /dev/null',
  'before=$(md5sum < /tmp/busy)',
  'sleep 0.02',
  'after=$(md5sum < /tmp/busy)',
  '[ "$before" = "$after" ] || echo damaged >> /tmp/damaged',
  'rm /tmp/busy',
  'echo round >> /tmp/rounds',
  'done',
  'touch /tmp/ended',
].join('; ');

async function roundsOf(guest: Guest): Promise<number> {
  return Number(await guest.workload.output('grep -c round /tmp/rounds || true'));
}

/** The work goes on, and no file was ever other than it had been written. */
async function expectWorkWhole(guest: Guest): Promise<void> {
  const before = await roundsOf(guest);
  await eventually(async () => (await roundsOf(guest)) > before + 1, 60_000, 'two more rounds', 200);
  await run(guest, 'touch /tmp/end');
  await eventually(
    async () => (await guest.workload.shell('[ -e /tmp/ended ]')) === 0,
    60_000,
    'the end of the work',
    200,
  );
  expect(await guest.workload.shell('[ ! -e /tmp/damaged ]')).toBe(0);
}

describe('free pages that were used before', () => {
  test.each<Mode>(['precopy', 'hybrid', 'postcopy'])('are left out by %s', async (mode) => {
    const guest = await guestWithFreedMemory();
    const { migration, destination } = await moveGuest(guest, agents(), { mode });
    expect(migration.pageFilter).toMatchObject({ state: 'on', reason: null });
    expect(migration.pageFilter?.leftOut).toBeGreaterThan(0.9 * freedMiB * pagesPerMib);
    expect(migration.bytes.sent).toBeLessThan((256 - freedMiB) * mib);
    await expectWhole(destination, filledPages(fillMiB));
  });

  test('are sent if the request says so', async () => {
    const guest = await guestWithFreedMemory();
    const { migration, destination } = await moveGuest(guest, agents(), {
      mode: 'precopy',
      pageFilter: { free: false, cache: false },
    });
    expect(migration.pageFilter).toMatchObject({ state: 'off', leftOut: 0, pages: null });
    expect(migration.bytes.sent).toBeGreaterThan(freedMiB * mib);
    await expectWhole(destination, filledPages(fillMiB));
  });

  test.each<Mode>(['precopy', 'postcopy'])(
    'alone may differ after a stopped guest was moved by %s: every other page is the same',
    async (mode) => {
      const guest = await guestWithFreedMemory();
      await guest.monitor.execute('stop');
      const { migration, destination } = await moveGuest(guest, agents(), { mode, sourceAfter: 'keep' });
      expect(migration.pageFilter?.leftOut).toBeGreaterThan(0.9 * freedMiB * pagesPerMib);
      const inspected = await inspect(guest);
      const { classes } = await classify(inspected);
      const differing = await differingPages(guest, destination);
      inspected.memory.close();
      expect(differing.length).toBeGreaterThan(0.9 * freedMiB * pagesPerMib);
      const inUse = differing.filter((page) => classes[inspected.memory.placeOf(page)] !== pageClass.free);
      expect(inUse).toEqual([]);
      await destination.monitor.execute('cont');
      await destination.waitUntilReady();
      await expectWhole(destination, filledPages(fillMiB));
    },
  );
});

test.each<Mode>(['precopy', 'postcopy'])(
  'a guest that takes and frees memory all the time is whole after %s',
  async (mode) => {
    const guest = await guestWithFreedMemory();
    await run(guest, `(${work}) > /dev/null 2>&1 &`);
    await eventually(async () => (await roundsOf(guest)) > 1, 60_000, 'two rounds', 200);
    // Long enough for several rounds.
    const bandwidthCaps = { precopy: 60 * mib, postcopy: 60 * mib };
    const { migration, destination } = await moveGuest(guest, agents(), {
      mode,
      bandwidthCaps,
      ...(mode === 'precopy' && { whenStalled: 'stop' }),
    });
    expect(migration.pageFilter).toMatchObject({ state: 'on' });
    expect(migration.pageFilter?.leftOut).toBeGreaterThan(0);
    await expectWorkWhole(destination);
    await expectWhole(destination, filledPages(fillMiB));
  },
);

test('a kernel that expects zeroes in its free pages finds them', async () => {
  const guest = await bootWithFreedMemory({ kernelArguments: 'init_on_free=1' });
  await run(guest, `(${work}) > /dev/null 2>&1 &`);
  await eventually(async () => (await roundsOf(guest)) > 1, 60_000, 'two rounds', 200);
  const { migration, destination } = await moveGuest(guest, agents(), { mode: 'hybrid' });
  expect(migration.pageFilter).toMatchObject({ state: 'on' });
  await expectWorkWhole(destination);
  await expectWhole(destination, filledPages(fillMiB));
});

describe('page cache', () => {
  const boot = alike(
    () => agents().source,
    async () => {
      const path = `${agents().source.directory}/cached.raw`;
      await createDisk(path, { format: 'raw', sizeMiB: 112 });
      const disk = { path, format: 'raw' } as const;
      const guest = await bootGuest(agents().source, { memoryMiB: 256, fillMiB, disk });
      await run(guest, `dd if=/dev/urandom of=/mnt/cached bs=1M count=${cachedMiB} && sync`);
      await run(guest, 'echo 3 > /proc/sys/vm/drop_caches && cat /mnt/cached > /dev/null');
      return guest;
    },
  );

  async function bootWithCache(): Promise<{ readonly guest: Guest; readonly sum: string }> {
    const guest = await boot();
    return { guest, sum: await guest.workload.output('md5sum < /mnt/cached') };
  }

  test('stays for post-copy in hybrid mode, and is there then', async () => {
    const { guest, sum } = await bootWithCache();
    const { migration, destination } = await moveGuest(guest, agents(), { mode: 'hybrid', storage: 'off' });
    expect(migration.pageFilter).toMatchObject({ state: 'on' });
    expect(migration.pageFilter?.deferred).toBeGreaterThan(0.9 * cachedMiB * pagesPerMib);
    expect(migration.history.map(({ state }) => state)).toContain('postcopy-active');
    expect(migration.pages.pushed).toBeGreaterThan(0.9 * cachedMiB * pagesPerMib);
    // Out of the cache, not from the disk.
    const read = 'awk \'$3 == "vda" { print $6 }\' /proc/diskstats';
    const before = await destination.workload.output(read);
    expect(await destination.workload.output('md5sum < /mnt/cached')).toBe(sum);
    expect(await destination.workload.output(read)).toBe(before);
    await expectWhole(destination, filledPages(fillMiB));
  });

  test('comes last in pre-copy', async () => {
    const { guest, sum } = await bootWithCache();
    const { migration, destination } = await moveGuest(guest, agents(), { mode: 'precopy', storage: 'off' });
    expect(migration.pageFilter?.deferred).toBeGreaterThan(0.9 * cachedMiB * pagesPerMib);
    expect(await destination.workload.output('md5sum < /mnt/cached')).toBe(sum);
    await expectWhole(destination, filledPages(fillMiB));
  });
});

test('a guest without an operating system is moved whole', async () => {
  const { source: here, destination: there } = agents();
  const counting = async (directory: string) => {
    const qemu = await qemuWith(directory, 'firmware', `-bios ${await writeCountingFirmware(directory)}`);
    return { memoryMiB: 128, name: 'guest', qemu };
  };
  const guest = await here.startGuest(await counting(here.directory));
  const counted = await untilCounting(guest, here.directory);
  const incoming = await there.startGuest({ ...(await counting(there.directory)), incoming: true });
  const { id } = await requestMove(guest, agents(), { mode: 'hybrid' });
  const { pageFilter } = await agents().sourceAgent.client.waitUntil(id, ['completed'], 60_000);
  expect(pageFilter).toMatchObject({ leftOut: 0, deferred: 0 });
  expect(await checkCounting(incoming, there.directory)).toBeGreaterThan(counted);
});

test('a guest of which only the firmware runs is moved whole', async () => {
  const guest = await agents().source.startGuest({ memoryMiB: 128, name: 'guest' });
  const { migration, destination } = await moveGuest(guest, agents(), { mode: 'precopy' });
  expect(migration.pageFilter).toMatchObject({ leftOut: 0, deferred: 0 });
  expect(['unsupported', 'searching']).toContain(migration.pageFilter?.state);
  await destination.waitUntilReady();
});

test('a guest with memory that was plugged in, a balloon and huge pages arrives whole, its free pages left out', async () => {
  const { source: here, destination: there } = agents();
  const hardware = { name: 'guest', memoryMiB: 256, kernelArguments: 'hugepages=8' } as const;
  const guest = await here.startGuest({ ...hardware, ...(await resizable(here.directory, 256)) });
  await guest.waitUntilReady();
  await plugIn(guest, 128, 3);
  await guest.workload.fill(fillMiB);
  await guest.workload.useAndFree(freedMiB);
  await inflateBalloon(guest, 320);
  const module = '-object memory-backend-ram,id=module,size=128M -device pc-dimm,memdev=module';
  const destination = await there.startGuest({
    ...hardware,
    ...(await resizable(there.directory, 256, module)),
    incoming: true,
  });
  const { client } = agents().sourceAgent;
  const { id } = await requestMove(guest, agents(), { mode: 'precopy' });
  const { pageFilter } = await client.waitUntil(id, ['completed'], 60_000);
  expect(pageFilter?.state).toBe('on');
  expect(pageFilter?.leftOut).toBeGreaterThan(0);
  await expectWhole(destination, filledPages(fillMiB));
});

test('a guest that reboots while it moves arrives whole, with nothing left out that its new kernel uses', async () => {
  const guest = await guestWithFreedMemory();
  await guest.monitor.execute('set-action', { reboot: 'reset' });
  const incoming = await startIncoming(guest, agents().destination);
  const { client } = agents().sourceAgent;
  const bandwidthCaps = { precopy: 8 * mib };
  const { id } = await requestMove(guest, agents(), { mode: 'precopy', bandwidthCaps, whenStalled: 'stop' });
  await client.waitUntil(id, ['active'], 20_000);
  await eventually(
    async () => ((await client.get(id)).pageFilter?.leftOut ?? 0) > 0,
    20_000,
    'pages that are left out',
    50,
  );
  const reset = performance.now();
  await guest.monitor.execute('system_reset');
  await sleep(rebootingMs);
  await guest.workload.waitUntilAnswering(60_000);
  const uptimeSeconds = Number(await guest.workload.output('cut -d " " -f 1 /proc/uptime'));
  // Of a kernel that has started since.
  expect(uptimeSeconds * 1000).toBeLessThan(performance.now() - reset);
  await client.limit(id, { precopy: 0 });
  const migration = await client.waitUntil(id, ['completed'], 60_000);
  expect(migration.pageFilter).toMatchObject({ state: 'unsupported', leftOut: 0 });
  await incoming.waitUntilReady();
  await incoming.workload.fill(fillMiB);
  await expectWhole(incoming, filledPages(fillMiB));
});
