import { mkdir } from 'node:fs/promises';
import { PageferryError, asPageferryError, sleep, type ErrorCode } from '@pageferry/errors';
import { IncomingSession, continueGuest, runState, type QmpClient } from '@pageferry/qemu';
import { PageLayout, PageSet, type Block } from '@pageferry/transfer';
import { ROUNDS_TIMEOUT_MS, type IncomingContext } from './incoming-context.js';
import { IncomingGuest } from './incoming-guest.js';
import type { InterruptedPostcopy } from './incoming-journal.js';
import { IncomingMonitor } from './incoming-monitor.js';
import { PageRequests } from './page-requests.js';

/** They say nothing of whether the guest is there. */
const PASSING: readonly ErrorCode[] = ['qmp-timeout', 'driver-failed'];
/** Before QEMU, or its driver, is asked again. */
const PAUSE_MS = 2_000;

/**
 * Takes up a post-copy that lost its agent: QEMU says what it has, the source is to bring the rest. Undefined if
 * post-copy ended just before the agent did.
 */
export async function recoverPostcopy(
  context: IncomingContext,
  { guest, run, blocks, qemu }: InterruptedPostcopy,
): Promise<IncomingGuest | undefined> {
  const { link, directory, signal } = context;
  const monitor = await connectPatiently(context, guest);
  try {
    if (!(await monitor.isOf(qemu, { signal }))) {
      throw new PageferryError('guest-state', 'another QEMU has the place of the one that took the guest in');
    }
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const layout = new PageLayout(blocks);
    const missing = new PageSet(layout);
    missing.fill();
    const requests = new PageRequests(layout, link);
    const session = await IncomingSession.recover(
      monitor.qmp,
      { directory, blocks, signal, onRequest: requests.take },
      (blockName, bitmap) => {
        removeReceived(missing, layout.blockNamed(blockName), bitmap);
      },
    );
    if (session === undefined) {
      await runIfPaused(monitor.qmp, run, signal);
      await monitor.close();
      return undefined;
    }
    const recovered = new IncomingGuest(context, { identity: qemu, monitor, session, layout, requests });
    recovered.receiver.missing.addAll(missing);
    recovered.receiver.enterPostcopy();
    return recovered;
  } catch (thrown) {
    if (signal.aborted) monitor.leave();
    else await monitor.close();
    throw thrown;
  }
}

/** The earlier run of this agent may have died before it ran the guest. QEMU may answer only when it has more pages. */
export async function runIfPaused(qmp: QmpClient, run: boolean, signal: AbortSignal): Promise<void> {
  if (!run) return;
  const { running } = await runState(qmp, { signal, timeoutMs: ROUNDS_TIMEOUT_MS });
  if (!running) await continueGuest(qmp, { signal });
}

/** A QEMU whose guest waits for a page may not answer at once, nor a driver on a host that starts: they are asked again. */
async function connectPatiently(
  { driver, keeper, log, signal }: IncomingContext,
  guest: string,
): Promise<IncomingMonitor> {
  for (;;) {
    try {
      return await IncomingMonitor.reconnect(keeper, () => driver.find(guest, signal), { signal });
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asPageferryError(thrown);
      if (!PASSING.includes(error.code)) throw error;
      log.error({ err: error, guest }, 'the QEMU of an interrupted post-copy cannot be asked: trying again');
      await sleep(PAUSE_MS, signal);
    }
  }
}

/** @param bitmap one bit a page, lowest bit first */
function removeReceived(missing: PageSet, block: Block | undefined, bitmap: Buffer): void {
  if (block === undefined) return;
  for (let page = 0; page < block.pageCount; page++) {
    if ((((bitmap[page >>> 3] ?? 0) >>> (page & 7)) & 1) === 1) missing.delete(block.firstPage + page);
  }
}
