import { PageferryError, asPageferryError, sleep } from '@pageferry/errors';
import { migrationStanding } from '../machine/migration-standing.js';
import type { QmpClient } from '../qmp/qmp-client.js';

/** QEMU notices the end of its stream by itself, ms. */
const PAUSE_TIMEOUT_MS = 1_000;
const PAUSE_INTERVAL_MS = 20;
/** Times that a post-copy that is neither paused nor completed is looked at again. */
const MOST_LOOKS = 3;

/**
 * Has QEMU take a new stream for a post-copy that is paused; false if it has completed. Errors: `incoming-failed`, if it is
 * neither; what the signal was aborted with.
 */
export async function openPausedPostcopy(qmp: QmpClient, uri: string, signal: AbortSignal): Promise<boolean> {
  for (let looks = 1; ; looks++) {
    const refusal = await recoverSoon(qmp, uri, signal);
    if (refusal === undefined) return true;
    const status = await statusOf(qmp, signal);
    if (status === 'completed') return false;
    if (looks === MOST_LOOKS) {
      throw new PageferryError(
        'incoming-failed',
        `post-copy is not paused in QEMU but in the state "${status}": ${refusal.message}`,
        { cause: refusal },
      );
    }
  }
}

/** Not known as long as QEMU's main loop waits for a page. */
async function statusOf(qmp: QmpClient, signal: AbortSignal): Promise<string> {
  try {
    return (await migrationStanding(qmp, { signal })).status;
  } catch (thrown) {
    const error = asPageferryError(thrown);
    if (error.code !== 'qmp-timeout') throw error;
    return 'unknown';
  }
}

/** Undefined once QEMU has agreed, or its last refusal. */
async function recoverSoon(
  qmp: QmpClient,
  uri: string,
  signal: AbortSignal,
): Promise<PageferryError | undefined> {
  const deadline = performance.now() + PAUSE_TIMEOUT_MS;
  for (;;) {
    try {
      await qmp.executeOutOfBand('migrate-recover', { uri }, { signal });
      return undefined;
    } catch (thrown) {
      const error = asPageferryError(thrown);
      if (error.code !== 'qmp-command') throw error;
      if (performance.now() > deadline) return error;
    }
    await sleep(PAUSE_INTERVAL_MS, signal);
  }
}
