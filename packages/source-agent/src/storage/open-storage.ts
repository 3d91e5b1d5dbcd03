import { openHash } from '@pageferry/transfer';
import { BLOCK_HASH_SEED, type WireDisk } from '@pageferry/wire';
import type { OutgoingContext } from '../outgoing-context.js';
import type { Transfer } from '../transfer.js';
import { SpareTime } from './spare-time.js';
import { StorageSender } from './storage-sender.js';
import { UnknownGuest } from './unknown-guest.js';

/** Has pages come from disks that both hosts share, if the destination has any. */
export async function openStorage(
  transfer: Transfer,
  disks: readonly WireDisk[],
  {
    steering,
    configuration,
    directory,
    log,
    signal,
  }: Pick<OutgoingContext, 'steering' | 'configuration' | 'directory' | 'log' | 'signal'>,
): Promise<void> {
  if (disks.length === 0) {
    log.info('the destination can read no disk of the guest: its page cache is sent');
    return;
  }
  const { guest, flow, filter, pending } = transfer;
  const { layout, memory } = guest;
  const hash = await openHash(BLOCK_HASH_SEED);
  const spareTime = new SpareTime();
  // If cache is not waited for, what it takes of the processors must not keep the guest from running there soon.
  const mayBeUsed = (): boolean =>
    steering.whenStalled !== 'postcopy' || filter.cache.count === 0 || spareTime.hasSome;
  const storage = new StorageSender({ layout, memory, flow, hash, disks, mayBeUsed, log });
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
    get wantsMap() {
      return storage.mayBeUsed;
    },
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
