import { closeSync, openSync, readSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PAGE_BYTES, type FilePages } from '@pageferry/introspect';
import { Guests } from '../guests/guests.js';
import { registersCr3 } from './support/guest-memory.js';
import { bootWithFiles, mountAll, strides, type GuestWithFiles } from './support/guest-with-files.js';
import { classify, framesOf, inspect, whileStopped, type Inspected } from './support/inspected-guest.js';
import { run, type KernelOfGuest } from './support/introspected-guest.js';

const kernels = ['stable', 'backports'] as const satisfies KernelOfGuest[];
const fileMiB = 4;
const filePages = (fileMiB * 2 ** 20) / PAGE_BYTES;
/** Of an xfs file: with more than 15 there is a tree of them. */
const xfsStrides = 40;
const bootingMs = 120_000;

interface Mapped extends Inspected, GuestWithFiles {
  readonly mapped: FilePages;
}

let guests: Guests;
const looks = new Map<KernelOfGuest, Mapped>();

/** Writes files, reads them all again from the disks, and has a program run from one. */
async function useFiles({ guest }: GuestWithFiles): Promise<void> {
  const create = (path: string): string => `dd if=/dev/urandom of=${path} bs=1M count=${fileMiB}`;
  await run(guest, ['/mnt', '/part', '/xfs'].map((folder) => create(`${folder}/file`)).join(' && '));
  const stride = 'dd if=/dev/urandom of=/xfs/holes bs=4k count=1 seek=$((i * 2)) conv=notrunc';
  await run(guest, `i=0; while [ $i -lt ${xfsStrides} ]; do ${stride} || exit 1; i=$((i + 1)); done`);
  await run(guest, 'cp /bin/busybox /part/ && umount /mnt && umount /part && umount /xfs');
  await mountAll(guest, 'ro');
  await run(guest, 'cat /mnt/file /mnt/holes /part/file /xfs/file /xfs/holes > /dev/null');
  await run(guest, 'dd if=/dev/vdb of=/dev/null bs=1M count=1');
  await run(guest, '/part/busybox sleep 1000 &');
}

async function look(kernel: KernelOfGuest): Promise<void> {
  const withFiles = await bootWithFiles(guests, kernel);
  await useFiles(withFiles);
  const inspected = await inspect(withFiles.guest);
  const mapped = await whileStopped(withFiles.guest, async () => {
    const { classes } = await classify(inspected);
    const answer = await inspected.linux.mapFilePages({
      classes,
      pageTables: await registersCr3(withFiles.guest),
    });
    if (answer.kind === 'unsupported') throw new Error(answer.reason);
    return answer;
  });
  looks.set(kernel, { ...withFiles, ...inspected, mapped });
}

function of(kernel: KernelOfGuest): Mapped {
  const found = looks.get(kernel);
  if (found === undefined) throw new Error(`there is no guest with the kernel of ${kernel}`);
  return found;
}

/** Positions of the mapped pages that are on a disk. */
function pagesOn({ disks, disk }: FilePages, name: string): number[] {
  return [...disk.keys()].filter((page) => disks[disk[page] ?? -1]?.name === name);
}

beforeAll(async () => {
  guests = await Guests.create();
  await Promise.all(kernels.map(look));
}, bootingMs);
afterAll(async () => {
  for (const { memory } of looks.values()) memory.close();
  await guests.close();
});

describe.each(kernels)('a guest with the kernel of %s', (kernel) => {
  test('has in every mapped page what its disk has there', () => {
    const { memory, mapped, images } = of(kernel);
    const { disks, places, disk, offset } = mapped;
    const frames = framesOf(memory);
    const files = disks.map(({ name }) => openSync(images.get(name) ?? name, 'r'));
    const [inMemory, onDisk] = [Buffer.alloc(PAGE_BYTES), Buffer.alloc(PAGE_BYTES)];
    const different = places.filter((place, page) => {
      memory.read((frames[place] ?? 0) * PAGE_BYTES, inMemory);
      readSync(files[disk[page] ?? 0] ?? -1, onDisk, 0, PAGE_BYTES, offset[page] ?? 0);
      return !inMemory.equals(onDisk);
    });
    for (const file of files) closeSync(file);
    expect([...different]).toEqual([]);
  });

  test('has its disks, as large as they are', () => {
    const { disks } = of(kernel).mapped;
    const bytes = (sizeMiB: number): number => sizeMiB * 2 ** 20;
    expect([...disks].sort((one, other) => one.name.localeCompare(other.name))).toEqual([
      { name: 'vda', bytes: bytes(64) },
      { name: 'vdb', bytes: bytes(64) },
      { name: 'vdc', bytes: bytes(320) },
    ]);
  });

  test.each([
    ['on a disk, with a file of many extents', 'vda', filePages + strides],
    ['on a partition', 'vdb', filePages + 2 ** 20 / PAGE_BYTES],
    ['on an xfs', 'vdc', filePages + xfsStrides],
  ])('has nearly all pages of its files mapped: %s', (_title, name, pages) => {
    const { mapped } = of(kernel);
    const found = new Set(pagesOn(mapped, name).map((page) => mapped.offset[page]));
    expect(found.size).toBeGreaterThanOrEqual(0.95 * pages);
  });

  test('has no other pages of files than in holes', () => {
    const { unmapped } = of(kernel).mapped;
    const holes = strides + xfsStrides;
    expect(unmapped).toMatchObject({ device: 0, inode: 0 });
    // Blocks of 1 KiB that are not next to each other.
    expect(unmapped.encoding).toBeLessThan(0.02 * filePages);
    expect(unmapped.noExtent).toBeLessThanOrEqual(holes);
    expect(unmapped.noExtent).toBeGreaterThan(0.9 * holes);
  });
});
