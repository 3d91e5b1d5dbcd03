import { PageferryError } from '@pageferry/errors';
import { PAGE_SIZE, type PageLayout } from '@pageferry/transfer';
import { checkSettledFrame, runAddress, runPages, type FrameHeader } from '@pageferry/wire';

/** Calls `visit` with each run of pages that a `settled` frame names, by their indices. Error: `protocol-violation`. */
export function forEachSettledRun(
  frame: Buffer,
  header: FrameHeader,
  layout: PageLayout,
  visit: (first: number, count: number) => void,
): void {
  const block = layout.blocks[header.block];
  if (block === undefined) {
    throw new PageferryError(
      'protocol-violation',
      `the destination has settled pages of a RAM block ${header.block}`,
    );
  }
  checkSettledFrame(frame, header, block.length);
  for (let run = 0; run < header.count; run++) {
    visit(block.firstPage + runAddress(frame, run) / PAGE_SIZE, runPages(frame, run));
  }
}
