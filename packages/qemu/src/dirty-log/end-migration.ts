import { PageferryError, sleep } from '@pageferry/errors';
import { migrationStanding } from '../machine/migration-standing.js';
import type { QmpClient } from '../qmp/qmp-client.js';

const TIMEOUT_MS = 10_000;
/** Between two looks whether it has ended, ms. */
const PAUSE_MS = 5;
const ENDED: readonly string[] = ['none', 'completed', 'cancelled', 'failed'];

/** Cancels QEMU's migration, if it has one, and waits for its end. Error: `dirty-log`, if it does not end. */
export async function endMigration(qmp: QmpClient): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (let asked = false; ; asked = true) {
    const { status, failure } = await migrationStanding(qmp);
    if (ENDED.includes(status)) return;
    if (!asked) await qmp.execute('migrate_cancel');
    if (performance.now() > deadline) {
      const reason = failure === undefined ? '' : `: ${failure}`;
      throw new PageferryError('dirty-log', `QEMU's migration does not end (${status}${reason})`);
    }
    await sleep(PAUSE_MS);
  }
}
