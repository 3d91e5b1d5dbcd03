import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { diskHardware } from '../guests/disk-hardware.js';
import { createDisk, type DiskOptions } from '../guests/disk.js';
import type { GuestDisk } from '../guests/guest-disk.js';
import type { KernelName } from '../guests/guest-kernel.js';
import { Guests } from '../guests/guests.js';
import { checkBusyFiles, startBusyFiles } from '../guests/busy-files.js';

const memoryMiB = 256;

let guests: Guests;

beforeEach(async () => {
  guests = await Guests.create();
});

afterEach(async () => {
  await guests.close();
});

interface Case {
  readonly bus: NonNullable<GuestDisk['bus']>;
  readonly kernel?: KernelName;
  readonly image?: Omit<DiskOptions, 'format'>;
  /** What the guest calls what it has mounted. */
  readonly device: string;
}

describe("a guest's disk", () => {
  test.each<Case>([
    { bus: 'virtio-blk', image: { fileSystem: 'xfs' }, device: '/dev/vda' },
    { bus: 'virtio-blk', kernel: 'backports', image: { partitions: 'gpt' }, device: '/dev/vda1' },
    { bus: 'virtio-scsi', image: { partitions: 'mbr' }, device: '/dev/sda1' },
    {
      bus: 'virtio-scsi',
      kernel: 'backports',
      image: { fileSystem: 'xfs', partitions: 'mbr' },
      device: '/dev/sda1',
    },
    { bus: 'sata', device: '/dev/sda' },
    { bus: 'nvme', image: { partitions: 'gpt' }, device: '/dev/nvme0n1p1' },
  ])('is mounted: $bus, $kernel, $image', async ({ bus, kernel, image = {}, device }) => {
    const path = join(guests.directory, 'disk.raw');
    await createDisk(path, { format: 'raw', ...image });
    const { fileSystem, partitions } = image;
    const disk: GuestDisk = {
      ...{ path, format: 'raw', bus },
      ...(fileSystem && { fileSystem }),
      ...(partitions && { partition: 1 }),
    };
    const machine = bus === 'sata' ? 'q35' : 'pc';
    const hardware = await diskHardware(disk, kernel);
    const guest = await guests.start({ name: 'guest', memoryMiB, machine, ...hardware });
    await guest.waitUntilReady();
    const mounted = 'awk \'$2 == "/mnt" { print $1, $3 }\' /proc/mounts';
    expect(await guest.workload.output(mounted)).toBe(`${device} ${fileSystem ?? 'ext4'}`);
    await startBusyFiles(guest, { files: 8 });
    expect(await checkBusyFiles(guest)).toMatchObject({ errors: 0 });
  });

  test('of a kind for which a kernel has no driver is refused', async () => {
    const disk: GuestDisk = { path: join(guests.directory, 'disk.raw'), format: 'raw', bus: 'sata' };
    await expect(diskHardware(disk, 'stable')).rejects.toThrow('no driver');
  });
});
