import { PAGE_SIZE } from '@pageferry/transfer';

/** Storage that is as fast as ever may be late by that much on a busy host, ms. */
const SHORTEST_MS = 100;
const LONGEST_MS = 1000;

/**
 * How long the stop of pre-copy waits for pages that are being restored before they are sent, ms: no longer than sending them
 * takes, so that slow storage costs at most twice as much as none.
 * @param pages that are not settled
 * @param bytesPerSecond of the link; undefined while not known
 */
export function storageWaitMs(pages: number, bytesPerSecond: number | undefined): number {
  if (bytesPerSecond === undefined) return LONGEST_MS;
  const sendingMs = ((pages * PAGE_SIZE) / bytesPerSecond) * 1000;
  return Math.min(Math.max(sendingMs, SHORTEST_MS), LONGEST_MS);
}
