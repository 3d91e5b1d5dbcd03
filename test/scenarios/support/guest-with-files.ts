import { mkdir, open, readFile, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { backportsKernel } from '../../environment/backports-kernel.js';
import { ensureEnvironment } from '../../environment/install.js';
import { unpackedPackage } from '../../environment/unpacked-package.js';
import { formatXfs } from '../../environment/xfsprogs.js';
import { createDisk, createPartitionedDisk } from '../../guests/disk.js';
import type { Guest } from '../../guests/guest.js';
import type { Guests } from '../../guests/guests.js';
import { extendInitramfs } from '../../guests/initramfs.js';
import { modulesWithDependencies } from '../../guests/kernel-modules.js';
import { qemuWith, run, type KernelOfGuest } from './introspected-guest.js';

const bytesPerMib = 2 ** 20;
const pageBytes = 4096;
/** So many pages of the file with holes have content; each is followed by one that has none. */
export const strides = 600;

export interface GuestWithFiles {
  readonly guest: Guest;
  /** The images of its disks, by the names that it has for them. */
  readonly images: ReadonlyMap<string, string>;
}

interface Drivers {
  readonly initramfs: string;
  readonly qemuOptions: string;
  /** Loads those that the first file system does not load by itself. */
  readonly load: string;
}

/** A file whose extents need a tree of three levels where blocks have 1 KiB. */
async function createFileWithHoles(path: string): Promise<void> {
  const file = await open(path, 'w');
  for (let stride = 0; stride < strides; stride++) {
    await file.write(Buffer.alloc(pageBytes, stride + 1), 0, pageBytes, stride * 2 * pageBytes);
  }
  await file.close();
}

async function createImages(directory: string): Promise<Map<string, string>> {
  const content = join(directory, 'content');
  await mkdir(content);
  await createFileWithHoles(join(content, 'holes'));
  const images = new Map(['vda', 'vdb', 'vdc'].map((name) => [name, join(directory, `${name}.image`)]));
  const [first = '', second = '', third = ''] = images.values();
  await createDisk(first, { format: 'raw', content });
  // At no multiple of a page.
  await createPartitionedDisk(second, { sizeMiB: 64, startSector: 2049 });
  await writeFile(third, '');
  await truncate(third, 320 * bytesPerMib);
  await formatXfs(third);
  return images;
}

async function stableDrivers(): Promise<Drivers> {
  const { initramfs } = await ensureEnvironment();
  const paths = await modulesWithDependencies(join(unpackedPackage('kernel'), 'lib/modules'), ['xfs']);
  const modules = await Promise.all(
    paths.map(async (path, index) => [`modules/9${index}.ko`, await readFile(path)] as const),
  );
  return { initramfs: await extendInitramfs(initramfs, [], new Map(modules)), qemuOptions: '', load: 'true' };
}

async function backportsDrivers(): Promise<Drivers> {
  const { initramfs } = await ensureEnvironment();
  const { image, virtioBlock, xfs } = await backportsKernel();
  const paths = [virtioBlock, ...xfs];
  const modules = await Promise.all(
    paths.map(async (path) => [basename(path), await readFile(path)] as const),
  );
  const names = modules.map(([name]) => `/${name}`).join(' ');
  return {
    initramfs: await extendInitramfs(initramfs, [], new Map(modules)),
    qemuOptions: `-kernel '${image}'`,
    load: `for file in ${names}; do unxz -c $file > /tmp/driver.ko && insmod /tmp/driver.ko || exit 1; done`,
  };
}

/**
 * Boots a guest of this kernel with file systems on three disks: /mnt is an ext4 with blocks of 1 KiB on all of vda, /part one
 * with blocks of 4 KiB on a partition of vdb, /xfs an xfs on vdc.
 */
export async function bootWithFiles(guests: Guests, kernel: KernelOfGuest): Promise<GuestWithFiles> {
  const directory = join(guests.directory, `${kernel}-files`);
  await mkdir(directory);
  const images = await createImages(directory);
  const { initramfs, qemuOptions, load } = await (kernel === 'stable' ? stableDrivers() : backportsDrivers());
  const disks = [...images].map(
    ([name, path]) =>
      `-drive if=none,id=${name},file=${path},format=raw,cache=none -device virtio-blk-pci,drive=${name}`,
  );
  const qemu = await qemuWith(directory, 'disks', [qemuOptions, ...disks].join(' '));
  const guest = await guests.start({ name: kernel, memoryMiB: 256, vcpus: 2, qemu, initramfs });
  await guest.waitUntilReady();
  await run(guest, `umount /mnt 2> /dev/null; mkdir /part /xfs; ${load}`);
  await mountAll(guest, 'noatime');
  return { guest, images };
}

export async function mountAll(guest: Guest, options: string): Promise<void> {
  const mount = (type: string, device: string, folder: string): string =>
    `mount -t ${type} -o ${options} /dev/${device} ${folder}`;
  await run(
    guest,
    [mount('ext4', 'vda', '/mnt'), mount('ext4', 'vdb1', '/part'), mount('xfs', 'vdc', '/xfs')].join(' && '),
  );
}
