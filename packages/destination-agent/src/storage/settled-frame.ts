import { PAGE_SIZE, type Block } from '@pageferry/transfer';
import { FrameKind } from '@pageferry/wire';
import { runsFrame, type Run } from '../answer-frames.js';

/** @param failed ascending page indices within `block` */
export function settledFrame(batch: number, block: Block, failed: readonly number[]): Buffer {
  const runs: (Run & { pages: number })[] = [];
  for (const page of failed) {
    const address = (page - block.firstPage) * PAGE_SIZE;
    const last = runs.at(-1);
    if (last !== undefined && last.address + last.pages * PAGE_SIZE === address) last.pages++;
    else runs.push({ address, pages: 1 });
  }
  return runsFrame(FrameKind.settled, batch, block, runs);
}
