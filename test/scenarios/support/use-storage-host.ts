import { afterAll, beforeAll } from 'vitest';
import type { Agents } from '../../agents/agents.js';
import { startBusyFiles, type BusyFilesOptions } from '../../guests/busy-files.js';
import { diskHardware } from '../../guests/disk-hardware.js';
import { createDisk, type DiskOptions } from '../../guests/disk.js';
import type { GuestDisk } from '../../guests/guest-disk.js';
import type { Guest } from '../../guests/guest.js';
import type { KernelName } from '../../guests/guest-kernel.js';
import type { GuestHardware } from '../../guests/qemu-arguments.js';
import { openStorageHost, type StorageHost } from '../../hosts/storage-host.js';
import { bootGuest, type GuestLoad } from './boot-guest.js';

/** Adds a storage host to the hosts of the agents, for all tests of a file; to be called after `useAgents`. */
export function useStorageHost(agents: () => Agents): () => StorageHost {
  let storage: StorageHost | undefined;
  beforeAll(async () => {
    storage = await openStorageHost(agents().hosts);
  });
  afterAll(async () => {
    await storage?.close();
  });
  return () => {
    if (storage === undefined) throw new Error('the storage host is opened before the first test');
    return storage;
  };
}

/** Where the guest's disk is: exported by the storage host, or a file that both hosts see. */
export type DiskPlace = 'nbd' | 'file';

export interface BusyGuestOptions extends Omit<GuestHardware, 'disk' | 'initramfs' | 'kernel'>, GuestLoad {
  readonly place?: DiskPlace;
  readonly image?: Omit<DiskOptions, 'format'> & { readonly format?: DiskOptions['format'] };
  readonly bus?: NonNullable<GuestDisk['bus']>;
  readonly kernel?: KernelName;
  readonly busyFiles?: BusyFilesOptions;
}

let images = 0;

/** Boots a guest on the source that is busy with files on a disk which both hosts have. */
export async function bootBusyGuest(
  { source }: Agents,
  storage: StorageHost,
  { place = 'nbd', image = {}, bus, kernel, busyFiles, ...hardware }: BusyGuestOptions,
): Promise<Guest> {
  const { format = 'raw', fileSystem, partitions } = image;
  const path = `${source.directory}/${++images}.disk`;
  await createDisk(path, { ...image, format });
  const where: GuestDisk =
    place === 'file'
      ? { path, format }
      : { path: (await storage.serve({ path, format })).url, format: 'raw' };
  const disk: GuestDisk = {
    ...where,
    ...(bus && { bus }),
    ...(fileSystem && { fileSystem }),
    ...(partitions && { partition: 1 }),
  };
  const guest = await bootGuest(source, { ...hardware, ...(await diskHardware(disk, kernel)) });
  await startBusyFiles(guest, busyFiles);
  return guest;
}
