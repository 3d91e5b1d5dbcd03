import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { createDisk } from '../../guests/disk.js';
import { diskHardware } from '../../guests/disk-hardware.js';
import type { Guest } from '../../guests/guest.js';
import type { Guests } from '../../guests/guests.js';
import { qemuWith, run, type KernelOfGuest } from './introspected-guest.js';

const pageBytes = 4096;
/** So many pages of the file with holes have content; each is followed by one that has none. */
export const strides = 600;

export interface GuestWithFiles {
  readonly guest: Guest;
  /** The images of its disks, by the names that it has for them. */
  readonly images: ReadonlyMap<string, string>;
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
  // At no multiple of a page; with the table 64 MiB in all.
  const partition = { partitions: 'mbr', partitionStart: 2049 * 512 } as const;
  await createDisk(second, { format: 'raw', sizeMiB: 61, blockBytes: pageBytes, ...partition });
  await createDisk(third, { format: 'raw', fileSystem: 'xfs' });
  return images;
}

/**
 * Boots a guest of this kernel with file systems on three disks: /mnt is an ext4 with blocks of 1 KiB on all of vda, /part one
 * with blocks of 4 KiB on a partition of vdb, /xfs an xfs on vdc.
 */
export async function bootWithFiles(guests: Guests, kernel: KernelOfGuest): Promise<GuestWithFiles> {
  const directory = join(guests.directory, `${kernel}-files`);
  await mkdir(directory);
  const images = await createImages(directory);
  const [first = ''] = images.values();
  // With what the disks need, xfs among it.
  const { initramfs, kernel: image } = await diskHardware(
    { path: first, format: 'raw', fileSystem: 'xfs' },
    kernel,
  );
  const disks = [...images].map(
    ([name, path]) =>
      `-drive if=none,id=${name},file=${path},format=raw,cache=none -device virtio-blk-pci,drive=${name}`,
  );
  const qemu = await qemuWith(directory, 'disks', disks.join(' '));
  const guest = await guests.start({
    name: kernel,
    memoryMiB: 256,
    vcpus: 2,
    qemu,
    ...(initramfs && { initramfs }),
    ...(image && { kernel: image }),
  });
  await guest.waitUntilReady();
  await run(guest, 'umount /mnt 2> /dev/null; mkdir /part /xfs');
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
