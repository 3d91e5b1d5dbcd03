import { PAGE_SIZE, type PageLayout, type PageSet } from '@pageferry/transfer';
import type { RamRecordSink } from './ram-record-parser.js';

const NO_TARGET = Buffer.alloc(0);

export const ignoreRecords: RamRecordSink = {
  target: NO_TARGET,
  page: () => -1,
  zero: () => undefined,
};

/**
 * Adds the pages that are named to a set.
 * @param numbers in the layout, of each block of the stream
 */
export function changedPages(
  changed: PageSet,
  { blocks }: PageLayout,
  numbers: readonly number[],
): RamRecordSink {
  const note = (block: number, address: number): void => {
    const { firstPage } = blocks[numbers[block] ?? 0] ?? { firstPage: 0 };
    changed.add(firstPage + address / PAGE_SIZE);
  };
  return {
    target: NO_TARGET,
    page: (block, address) => {
      note(block, address);
      return -1;
    },
    zero: note,
  };
}
