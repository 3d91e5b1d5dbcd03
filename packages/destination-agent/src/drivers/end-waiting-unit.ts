import { sleep } from '@pageferry/errors';
import { monitorAnswer } from './monitor-answer.js';
import type { StartedUnitOptions } from './started-unit.js';

const TIMEOUT_MS = 15_000;
const PAUSE_MS = 200;

/**
 * Ends a unit whose QEMU waits for a guest, and one that is only about to. One whose guest has come in, or has booted, is
 * left alone. Error: `driver-failed`.
 */
export async function endWaitingUnit({ unit, marker, socket, log }: StartedUnitOptions): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while ((await unit.state()).ActiveState === 'active') {
    const state = await monitorAnswer(socket);
    if (state === 'inmigrate') break;
    if (state === undefined && performance.now() < deadline) {
      await sleep(PAUSE_MS);
      continue;
    }
    log.warn({ unit: unit.name }, 'a unit has a guest, or does not say: it is left alone');
    return;
  }
  await unit.stop();
  await marker.remove();
  await unit.forgetFailure();
  log.info({ unit: unit.name }, 'no unit waits for the guest of an interrupted migration any more');
}
