import { PageferryError, asPageferryError, sleep } from '@pageferry/errors';
import { Type } from '@sinclair/typebox';
import type { QmpClient, QmpOptions } from '../qmp/qmp-client.js';

/** Stopping waits for the guest's disk requests, ms. */
const STOP_TIMEOUT_MS = 60_000;
/** Between two attempts to run a guest that QEMU refuses to run, ms. */
const RUN_AGAIN_PAUSE_MS = 100;

const StatusSchema = Type.Object({ status: Type.String(), running: Type.Boolean() });

/** What QEMU says of the guest: `status` is one of its RunState (qapi/run-state.json). */
export async function runState(
  qmp: QmpClient,
  options?: QmpOptions,
): Promise<{ status: string; running: boolean }> {
  return qmp.executeAs(StatusSchema, 'query-status', undefined, options);
}

/** Stops the vCPUs and finishes the guest's disk requests. Does nothing to a guest that does not run. */
export async function stopGuest(qmp: QmpClient, options?: QmpOptions): Promise<void> {
  await qmp.execute('stop', undefined, { timeoutMs: STOP_TIMEOUT_MS, ...options });
}

/**
 * Runs the guest, and takes the locks of its disk images back if a migration has released them. A QEMU that waits for
 * a guest runs it as soon as it has come in.
 */
export async function continueGuest(qmp: QmpClient, options?: QmpOptions): Promise<void> {
  await qmp.execute('cont', undefined, { timeoutMs: STOP_TIMEOUT_MS, ...options });
}

/**
 * Runs the guest, unless it runs, as soon as QEMU no longer refuses to: another QEMU may still hold the disk images, or a migration
 * of its own that was cancelled has yet to end. Error: `qmp-command`, when it refuses for longer.
 * @param patienceMs how long it is asked again
 */
export async function runAgain(qmp: QmpClient, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      const { running } = await runState(qmp);
      if (!running) await continueGuest(qmp);
      return;
    } catch (thrown) {
      if (asPageferryError(thrown).code !== 'qmp-command' || performance.now() > deadline) throw thrown;
    }
    await sleep(RUN_AGAIN_PAUSE_MS);
  }
}

/** Ends QEMU, and the guest with it. QEMU has taken it when this returns; `qmp.closed` says when it is done. */
export async function quit(qmp: QmpClient, options?: QmpOptions): Promise<void> {
  try {
    await qmp.execute('quit', undefined, options);
  } catch (error) {
    // QEMU may be gone before its answer is.
    if (!(error instanceof PageferryError) || error.code !== 'qmp-closed') throw error;
  }
}
