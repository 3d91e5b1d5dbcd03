import {
  findProcessId,
  processIdentity,
  readRamBlocks,
  type RamBlock,
  describeMachine,
} from '@pageferry/qemu';
import { PageLayout } from '@pageferry/transfer';
import { connectGuest, type GuestPlaces } from '../guest-monitor.js';

/** A guest as it was found. */
export interface GuestToIndex {
  readonly name: string;
  /** See `processIdentity`. */
  readonly identity: string;
  readonly pid: number;
  readonly blocks: readonly RamBlock[];
  /** As its migration will have it. */
  readonly layout: PageLayout;
}

/**
 * Finds out where a guest's memory is. Its monitor is left alone from then on.
 * @throws what `connectGuest` and the QMP client do, `qemu-too-old`, `memory-unreadable`
 */
export async function findGuestToIndex(
  places: GuestPlaces,
  name: string,
  signal: AbortSignal,
): Promise<GuestToIndex> {
  const qmp = await connectGuest(places, name, { signal });
  try {
    const { ramBlocks } = await describeMachine(qmp, { signal });
    return {
      name,
      identity: await processIdentity(qmp, { signal }),
      pid: await findProcessId(qmp, { signal }),
      blocks: await readRamBlocks(qmp, { signal }),
      layout: new PageLayout(ramBlocks),
    };
  } finally {
    qmp.close();
  }
}
