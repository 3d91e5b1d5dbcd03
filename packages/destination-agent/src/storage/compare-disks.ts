import { mkdir } from 'node:fs/promises';
import { withTimeout } from '@pageferry/errors';
import { imageDigest, type QmpClient } from '@pageferry/qemu';
import type { ComparedDisk, SampledDisk } from '@pageferry/wire';
import type { IncomingContext } from '../incoming-context.js';
import { DiskSamples } from './disk-samples.js';
import { findDisks } from './find-disks.js';

/** For opening disks and reading what is wanted of them; what has not come by then counts as unreadable, ms. */
const COMPARE_TIMEOUT_MS = 5_000;

/**
 * Compares disks of a guest with those of the QEMU that waits for it: by their lengths, by their images' names, and by what is in
 * some of their blocks. A disk that cannot be read is no error.
 * @throws the reason of the context's signal
 */
export async function compareDisks(
  context: IncomingContext,
  qmp: QmpClient,
  disks: readonly SampledDisk[],
): Promise<ComparedDisk[]> {
  const { directory, log, signal } = context;
  const shared = await findDisks(context, qmp);
  signal.throwIfAborted();
  if (shared === undefined) return disks.map(() => ABSENT);
  const samples = new DiskSamples(disks, shared);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const late = `disks have not been compared within ${COMPARE_TIMEOUT_MS} ms`;
    await withTimeout(signal, COMPARE_TIMEOUT_MS, 'storage-unreadable', late, async () => samples.read());
  } catch (thrown) {
    signal.throwIfAborted();
    log.warn({ err: thrown }, "some of the guest's disks could not be compared");
  } finally {
    await shared.close();
  }
  return disks.map((disk, number) => {
    const alike = samples.pairsOf(number).map(({ there, equal, different }) => {
      const sameImage = disk.image !== undefined && imageDigest(there) === disk.image;
      const unreadable = disk.samples.length - equal - different;
      return { there: there.name, sameImage, equal, different, unreadable };
    });
    const rank = ({ equal, sameImage }: ComparedDisk): number => 2 * equal + Number(sameImage);
    return alike.reduce<ComparedDisk>(
      (best, other) => (rank(other) > rank(best) ? other : best),
      alike[0] ?? ABSENT,
    );
  });
}

const ABSENT: ComparedDisk = { sameImage: false, equal: 0, different: 0, unreadable: 0 };
