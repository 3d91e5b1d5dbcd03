import { PAGE_SIZE, type Block } from '@pageferry/transfer';
import { FrameKind, settledFrameBytes, writeHeader, writeRun } from '@pageferry/wire';

/** @param failed ascending page indices within `block` */
export function settledFrame(batch: number, block: Block, failed: readonly number[]): Buffer {
  const runs: { readonly first: number; pages: number }[] = [];
  for (const page of failed) {
    const last = runs.at(-1);
    if (last !== undefined && last.first + last.pages === page) last.pages++;
    else runs.push({ first: page, pages: 1 });
  }
  const frame = Buffer.allocUnsafe(settledFrameBytes(runs.length));
  writeHeader(frame, { kind: FrameKind.settled, sequence: batch, block: block.index, count: runs.length });
  runs.forEach(({ first, pages }, index) => {
    writeRun(frame, index, (first - block.firstPage) * PAGE_SIZE, pages);
  });
  return frame;
}
