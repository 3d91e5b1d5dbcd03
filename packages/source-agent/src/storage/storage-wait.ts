import { sleep } from '@pageferry/errors';
import { PAGE_SIZE, type PageSet } from '@pageferry/transfer';
import type { StorageSender } from './storage-sender.js';

/** Storage that is as fast as ever may be late by that much on a busy host, ms. */
const SHORTEST_MS = 100;
const LONGEST_MS = 1000;
/** Before what is to be sent is looked at again, ms. */
const PAUSE_MS = 20;

/**
 * How long pages that are being restored are waited for before they are sent, ms: no longer than sending them takes, so that slow
 * storage costs at most twice as much as none.
 * @param pages that are not settled
 * @param bytesPerSecond of the link; undefined while not known
 */
export function storageWaitMs(pages: number, bytesPerSecond: number | undefined): number {
  if (bytesPerSecond === undefined) return LONGEST_MS;
  const sendingMs = ((pages * PAGE_SIZE) / bytesPerSecond) * 1000;
  return Math.min(Math.max(sendingMs, SHORTEST_MS), LONGEST_MS);
}

/** The wait for pages that are being restored, when there is nothing else to be done. */
export class StorageWait {
  readonly #storage: Pick<StorageSender, 'unsettled' | 'progress' | 'turnOff'>;
  /** When they must be there; `performance.now()`. */
  #until = Infinity;

  constructor(storage: Pick<StorageSender, 'unsettled' | 'progress' | 'turnOff'>) {
    this.#storage = storage;
  }

  /**
   * Waits a moment for some of them; to be called until they are settled. Once they are late `take` gets them all, and nothing is
   * restored any more.
   * @param bytesPerSecond of the link; undefined while not known
   */
  async moment(
    bytesPerSecond: number | undefined,
    take: (pages: PageSet) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const now = performance.now();
    this.#until = Math.min(this.#until, now + storageWaitMs(this.#storage.unsettled.count, bytesPerSecond));
    if (now > this.#until) this.#storage.turnOff(take);
    else await Promise.race([this.#storage.progress(), sleep(PAUSE_MS, signal)]);
  }

  /** What is being restored is something else from now on. */
  restart(): void {
    this.#until = Infinity;
  }
}
