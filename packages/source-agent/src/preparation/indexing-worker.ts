/** Indexes guests in a thread of its own, of the lowest priority, for as long as it is let. */
import { parentPort } from 'node:worker_threads';
import { asPageferryError } from '@pageferry/errors';
import { MemoryReader } from '@pageferry/qemu';
import { LonePages, PageLayout } from '@pageferry/transfer';
import { indexGuests, restFor } from './indexing.js';
import type { GuestPlace, IndexingMessage, IndexingOrder } from './indexing-messages.js';
import { OwnThread } from './own-thread.js';
import { PageLook, type LookedAtGuest } from './page-look.js';

function say(message: IndexingMessage): void {
  parentPort?.postMessage(message);
}

/** Undefined for one that is gone already, which is said. */
function open({ pid, blocks, shapes, firstPage }: GuestPlace, guest: number): LookedAtGuest | undefined {
  const onLost = (reason: string): void => {
    say({ kind: 'lost', guest, reason });
  };
  try {
    return { memory: MemoryReader.open(pid, blocks), layout: new PageLayout(shapes), firstPage, onLost };
  } catch (thrown) {
    onLost(asPageferryError(thrown).message);
    return undefined;
  }
}

async function index({ guests, known, share, secret }: IndexingOrder): Promise<void> {
  const thread = new OwnThread();
  say({ kind: 'begun', yields: thread.yieldToOthers() });
  const lone = new LonePages(known, secret);
  const opened = guests.map(open).filter((guest) => guest !== undefined);
  await indexGuests({
    look: new PageLook(opened, lone),
    lone,
    share,
    report: (progress) => {
      say({ kind: 'progress', progress });
    },
    clock: { nowMs: () => performance.now(), processorMs: () => thread.processorMs, rest: restFor },
    // Whoever does not want it any more ends the thread.
    signal: new AbortController().signal,
  });
  say({ kind: 'over' });
}

parentPort?.once('message', (order: IndexingOrder) => {
  void index(order);
});
