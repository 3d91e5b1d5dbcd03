import type { QmpClient, QmpOptions } from '../qmp/qmp-client.js';
import { readGuestPhysicalRanges, type GuestPhysicalRange } from './guest-physical-ranges.js';
import { readRamBlocks, type RamBlock } from './ram-blocks.js';

/** A guest's memory: what there is of it, and where the guest sees it. */
export interface RamLayout {
  readonly blocks: readonly RamBlock[];
  readonly ranges: readonly GuestPhysicalRange[];
}

export async function readRamLayout(qmp: QmpClient, options?: QmpOptions): Promise<RamLayout> {
  const blocks = await readRamBlocks(qmp, options);
  return { blocks, ranges: await readGuestPhysicalRanges(qmp, blocks, options) };
}
