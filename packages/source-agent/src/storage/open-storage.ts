import type { Logger } from '@pageferry/daemon';
import { openHash } from '@pageferry/transfer';
import { BLOCK_HASH_SEED, type WireDisk } from '@pageferry/wire';
import type { Transfer } from '../transfer.js';
import { StorageSender } from './storage-sender.js';

/** Has pages of cache come from disks that both hosts share; undefined if the destination has none. */
export async function openStorage(
  { guest: { layout, memory }, flow, filter }: Transfer,
  disks: readonly WireDisk[],
  log: Logger,
): Promise<StorageSender | undefined> {
  if (disks.length === 0) {
    log.info('the destination can read no disk of the guest: its page cache is sent');
    return undefined;
  }
  const storage = new StorageSender({
    layout,
    memory,
    flow,
    hash: await openHash(BLOCK_HASH_SEED),
    disks,
    log,
  });
  filter.filePages = storage;
  return storage;
}
