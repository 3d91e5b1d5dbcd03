import { PAGE_SIZE, PageLayout } from '@pageferry/transfer';
import type { GuestToIndex } from '../../src/preparation/guest-to-index.js';
import type { IndexingMessage, IndexingOrder } from '../../src/preparation/indexing-messages.js';
import type { IndexingListener, StartIndexing } from '../../src/preparation/start-indexing.js';

/** A guest of 4 MiB. */
export function guestToIndex(name: string, pages = 1024): GuestToIndex {
  const length = pages * PAGE_SIZE;
  return {
    name,
    identity: `${name}@1`,
    pid: 1,
    blocks: [
      {
        name: 'ram',
        usedLength: length,
        totalLength: length,
        pageSize: PAGE_SIZE,
        hostAddress: 0,
        readOnly: false,
      },
    ],
    layout: new PageLayout([{ name: 'ram', length, pageSize: PAGE_SIZE }]),
  };
}

/** An indexing that says what a test has it say. */
export interface FakeIndexing {
  readonly order: IndexingOrder;
  readonly say: (message: IndexingMessage) => void;
  readonly fail: IndexingListener['failed'];
  isStopped: boolean;
}

/** Indexings that were begun, and what begins them. */
export function fakeIndexings(): { readonly begun: FakeIndexing[]; readonly start: StartIndexing } {
  const begun: FakeIndexing[] = [];
  return {
    begun,
    start: (order, { said, failed }) => {
      const indexing = { order, say: said, fail: failed, isStopped: false };
      begun.push(indexing);
      return {
        stop: async () => {
          await Promise.resolve();
          indexing.isStopped = true;
        },
      };
    },
  };
}

/** All pages have been looked at once. */
export const firstRound: IndexingMessage = {
  kind: 'progress',
  progress: { rounds: 1, lookedAtPages: 0, lonePages: 3, processorMs: 70 },
};
