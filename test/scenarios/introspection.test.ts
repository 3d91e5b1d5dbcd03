import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGuest, pageClass, pageClassNames, PAGE_BYTES } from '@pageferry/introspect';
import { Guests } from '../guests/guests.js';
import { openGuestMemory, registersCr3 } from './support/guest-memory.js';
import {
  classify,
  framesOf,
  inspect,
  pagesSaid,
  whileStopped,
  type Inspected,
} from './support/inspected-guest.js';
import {
  bootResizable,
  bootWithDisk,
  inflateBalloon,
  plugIn,
  run,
  type KernelOfGuest,
} from './support/introspected-guest.js';
import { classByFlags, fetchPageFlags, recordPageFlags } from './support/page-flags.js';

const kernels = ['stable', 'backports'] as const satisfies KernelOfGuest[];
const fillMiB = 32;
const cleanMiB = 8;
const dirtyMiB = 4;
const freedMiB = 8;
/** Of which processes map only what they run. */
const program = '/mnt/busybox';
const mostProgramPages = 640;
const pagesPerMib = 256;
/** Three guests on two cores. */
const bootingMs = 120_000;

let guests: Guests;
const inspected = new Map<string, Inspected>();

/** A guest with something of each class. */
async function boot(kernel: KernelOfGuest): Promise<Inspected> {
  const guest = await bootWithDisk(guests, kernel, kernel, { memoryMiB: 256, vcpus: 2 });
  const create = (path: string, mib: number): string => `dd if=/dev/urandom of=${path} bs=1M count=${mib}`;
  // What is dirty stays dirty.
  await run(guest, 'echo 0 > /proc/sys/vm/dirty_writeback_centisecs');
  const dropCache = 'sync; echo 3 > /proc/sys/vm/drop_caches';
  await run(guest, `cp /bin/busybox ${program}; ${create('/mnt/clean', cleanMiB)}; ${dropCache}`);
  await run(guest, `${create('/mnt/dirty', dirtyMiB)}; cat /mnt/clean > /dev/null; ${program} sleep 1000 &`);
  await guest.workload.fill(fillMiB);
  await run(guest, `${create('/tmp/freed', freedMiB)}; rm /tmp/freed`);
  return inspect(guest);
}

/** A guest whose memory goes on behind a hole, with five levels of page tables and huge pages, at a fixed address. */
async function bootLarge(): Promise<Inspected> {
  const hardware = { memoryMiB: 3072, machine: 'q35', cpu: 'max' } as const;
  const kernelArguments = 'nokaslr hugepages=16';
  const guest = await bootResizable(guests, 'large', { ...hardware, kernelArguments });
  await guest.workload.fill(fillMiB);
  return inspect(guest);
}

function of(name: string): Inspected {
  const found = inspected.get(name);
  if (found === undefined) throw new Error(`there is no guest ${name}`);
  return found;
}

beforeAll(async () => {
  guests = await Guests.create();
  const booted = [...kernels.map((kernel) => boot(kernel)), bootLarge()];
  for (const guest of await Promise.all(booted)) inspected.set(guest.guest.name, guest);
}, bootingMs);
afterAll(async () => {
  for (const { memory } of inspected.values()) memory.close();
  await guests.close();
});

describe.each(kernels)('a guest with the kernel of %s', (kernel) => {
  test('has its pages in the classes that its own /proc/kpageflags puts them in', async () => {
    const { guest, memory } = of(kernel);
    await recordPageFlags(guest);
    const { classes } = await whileStopped(guest, () => classify(of(kernel)));
    const flags = await fetchPageFlags(guest);

    let different = 0;
    let usedButFree = 0;
    for (const [index, frame] of framesOf(memory).entries()) {
      const said = frame < flags.length ? classByFlags(flags[frame] ?? 0n) : 'kernel';
      const found = pageClassNames[classes[index] ?? -1];
      // The pages that processors keep on lists have no flag.
      if (said === found || (said === 'unmarked' && (found === 'free' || found === 'kernel'))) continue;
      different += 1;
      if (found === 'free') usedButFree += 1;
    }
    // Between the record and the stop the record itself filled pages, and the program that looked at its size has ended.
    expect(usedButFree).toBeLessThan(0.001 * classes.length);
    expect(different).toBeLessThan(0.005 * classes.length);
  });

  test('has as many pages of each class as it says itself', async () => {
    const { guest } = of(kernel);
    const said = await pagesSaid(guest);
    const { counts, freePagesByKernel } = await whileStopped(guest, () => classify(of(kernel)));
    const files = said('Cached') + said('Buffers') - said('Shmem');
    const close = (found: number, expected: number): void => {
      expect(Math.abs(found - expected)).toBeLessThan(0.01 * expected + 64);
    };
    close(freePagesByKernel, said('MemFree'));
    close(counts.anonymous, said('AnonPages') + said('Shmem'));
    close(counts.inode + counts.cache, files);
    expect(counts.cache).toBeGreaterThanOrEqual(cleanMiB * pagesPerMib);
    expect(counts.cache).toBeLessThan(cleanMiB * pagesPerMib + mostProgramPages);
    expect(counts.inode).toBeGreaterThan(dirtyMiB * pagesPerMib);
    expect(counts.inode).toBeLessThan(dirtyMiB * pagesPerMib + mostProgramPages);
    // Free blocks, and on top of them what the processors keep on their lists.
    expect(counts.free).toBeGreaterThanOrEqual(0.99 * said('MemFree'));
  });

  test('has free pages that were used and are not zero', async () => {
    const { guest, memory } = of(kernel);
    const zero = Buffer.alloc(PAGE_BYTES);
    const used = await whileStopped(guest, async () => {
      const { classes } = await classify(of(kernel));
      const page = Buffer.alloc(PAGE_BYTES);
      return framesOf(memory).filter((frame, index) => {
        if (classes[index] !== pageClass.free) return false;
        memory.read(frame * PAGE_BYTES, page);
        return !page.equals(zero);
      }).length;
    });
    expect(used).toBeGreaterThan(freedMiB * pagesPerMib * 0.9);
  });

  test('is looked at while it runs, and takes no harm', async () => {
    const { guest } = of(kernel);
    await guest.workload.write({ megabytesPerSecond: 20 });
    for (let look = 0; look < 3; look++) {
      const { counts, freePagesByKernel } = await classify(of(kernel));
      expect(counts.free).toBeGreaterThan(0.9 * freePagesByKernel);
    }
    await guest.workload.stopWriting();
    expect(await guest.workload.check()).toMatchObject({ pages: fillMiB * pagesPerMib, errors: 0 });
  });
});

test('a guest of which only the firmware runs is unsupported', async () => {
  const guest = await guests.start({ memoryMiB: 256, name: 'firmware' });
  await guest.monitor.execute('stop');
  const memory = await openGuestMemory(guest);
  const answer = await openGuest(memory, { pageTables: await registersCr3(guest) });
  memory.close();
  expect(answer.kind === 'unsupported' && answer.reason).toMatch(/no Linux kernel/);
});

/** Free and anonymous memory are what the guest itself says they are. */
async function expectAgreement(looked: Inspected): Promise<void> {
  const said = await pagesSaid(looked.guest);
  const { counts, freePagesByKernel } = await whileStopped(looked.guest, () => classify(looked));
  expect(Math.abs(freePagesByKernel - said('MemFree'))).toBeLessThan(0.01 * said('MemFree'));
  expect(counts.free).toBeGreaterThanOrEqual(0.99 * said('MemFree'));
  // The lists of its only processor.
  expect(counts.free).toBeLessThan(1.02 * said('MemFree'));
  expect(Math.abs(counts.anonymous - said('AnonPages') - said('Shmem'))).toBeLessThan(256);
}

test('memory behind a hole, five levels of page tables and huge pages are understood', async () => {
  const large = of('large');
  expect(await large.guest.workload.output('grep -o la57 /proc/cpuinfo')).toBe('la57');
  expect(large.memory.ranges.at(-1)).toMatchObject({ start: 2 ** 32, length: 2 ** 30 });
  await expectAgreement(large);
});

test('what is in the balloon is not free', async () => {
  const { guest } = of('large');
  const before = (await classify(of('large'))).counts;
  await inflateBalloon(guest, 2560);
  await expectAgreement(of('large'));
  const { counts } = await classify(of('large'));
  expect(before.free - counts.free).toBeGreaterThan(500 * pagesPerMib);
});

test('memory that was added while the guest ran is found', async () => {
  const { guest, memory, linux } = of('large');
  await plugIn(guest, 256, 26);
  memory.close();
  const larger = await inspect(guest);
  inspected.set('large', larger);
  expect(larger.linux.pageCount - linux.pageCount).toBe(256 * pagesPerMib);
  await expectAgreement(larger);
});
