import { openHash } from '@pageferry/transfer';
import { BLOCK_HASH_SEED, type WireDisk } from '@pageferry/wire';
import type { OutgoingContext } from '../outgoing-context.js';
import type { Transfer } from '../transfer.js';
import { StorageSender } from './storage-sender.js';
import { UnknownGuest } from './unknown-guest.js';

/** Has pages come from disks that both hosts share, if the destination has any. */
export async function openStorage(
  transfer: Transfer,
  disks: readonly WireDisk[],
  {
    configuration,
    directory,
    log,
    signal,
  }: Pick<OutgoingContext, 'configuration' | 'directory' | 'log' | 'signal'>,
): Promise<void> {
  if (disks.length === 0) {
    log.info('the destination can read no disk of the guest: its page cache is sent');
    return;
  }
  const { guest, flow, filter, pending } = transfer;
  const { layout, memory } = guest;
  const hash = await openHash(BLOCK_HASH_SEED);
  const storage = new StorageSender({ layout, memory, flow, hash, disks, log });
  const unknownGuest = new UnknownGuest({
    ...{ guest, pending, flow, disks, directory, log, signal },
    bytesPerSecond: configuration.storageBytesPerSecond,
    mapped: (map) => {
      storage.mapped(map);
    },
  });
  transfer.storage = storage;
  transfer.unknownGuest = unknownGuest;
  filter.tellFilePages({
    mapped: (map) => {
      storage.mapped(map);
    },
    written: (pages) => {
      storage.written(pages);
      unknownGuest.written(pages);
    },
    unknown: () => {
      unknownGuest.search();
    },
  });
}
