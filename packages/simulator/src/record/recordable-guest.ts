import { PageferryError } from '@pageferry/errors';
import { describeMachine, requireSupportedVersion, type QmpClient } from '@pageferry/qemu';
import { PageLayout } from '@pageferry/transfer';
import { limits } from '../trace/format.js';

/** In these QEMU has no migration of somebody else, which the end of the dirty log would end, too. */
const IDLE_STATES: readonly string[] = ['none', 'completed', 'failed', 'cancelled'];

/**
 * The pages of a guest of which a trace can be recorded.
 * @throws `qemu-too-old`, `guest-state` if it does not run or cannot be migrated, `guest-busy` while it is migrated,
 *   `request-invalid` if it has more pages than a trace
 */
export async function recordableLayout(qmp: QmpClient, signal: AbortSignal): Promise<PageLayout> {
  requireSupportedVersion(qmp.greeting);
  const { runState, migrationStatus, blockedReasons, ramBlocks } = await describeMachine(qmp, { signal });
  if (runState !== 'running') {
    throw new PageferryError(
      'guest-state',
      `the guest does not run (${runState}): there is nothing to record`,
    );
  }
  if (!IDLE_STATES.includes(migrationStatus)) {
    throw new PageferryError(
      'guest-busy',
      `the guest is already being migrated (${migrationStatus}): record it before or after that`,
    );
  }
  if (blockedReasons.length > 0) {
    throw new PageferryError(
      'guest-state',
      `QEMU has a dirty log only for a guest that it can migrate: ${blockedReasons.join('; ')}`,
    );
  }
  const layout = new PageLayout(ramBlocks);
  if (layout.capacity > limits.pages) {
    throw new PageferryError(
      'request-invalid',
      `the guest has ${layout.capacity} pages, and a trace at most ${limits.pages}`,
    );
  }
  return layout;
}
