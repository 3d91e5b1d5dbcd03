import { listDisks, type QmpClient } from '@pageferry/qemu';
import { openHash } from '@pageferry/transfer';
import { BLOCK_HASH_SEED } from '@pageferry/wire';
import type { IncomingContext } from '../incoming-context.js';
import { SharedDisks } from './shared-disks.js';

/** The disks that pages of the guest's cache may come from. Without them all pages come from the source: never rejects. */
export async function findDisks(
  { configuration, directory, log, signal }: IncomingContext,
  qmp: QmpClient,
): Promise<SharedDisks | undefined> {
  try {
    const disks = await listDisks(qmp, { signal });
    if (disks.length === 0) return undefined;
    const hash = await openHash(BLOCK_HASH_SEED);
    return new SharedDisks(disks, {
      directory,
      bytesPerSecond: configuration.storageBytesPerSecond,
      hash,
      log,
      signal,
    });
  } catch (thrown) {
    log.warn({ err: thrown }, 'the disks of the guest are not known: its page cache comes from the source');
    return undefined;
  }
}
