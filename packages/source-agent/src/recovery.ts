import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { Journal, guestSocketPath, migrationLogger, type Logger } from '@pageferry/daemon';
import { QmpClient, continueGuest, runState } from '@pageferry/qemu';
import { sleep } from '@pageferry/errors';
import type { SourceConfiguration } from './configuration.js';

const StoredRecord = Type.Object({
  event: Type.String(),
  request: Type.Optional(Type.Object({ guest: Type.String() })),
  wasRunning: Type.Optional(Type.Boolean()),
});

const QEMU_PATIENCE_MS = 10_000;
const QEMU_PAUSE_MS = 100;

/**
 * Looks at every migration that an earlier run of this agent left unfinished. A guest that had not been handed over is
 * this host's: it runs on, or is run again. One that had been handed over is never touched.
 */
export async function recoverMigrations(
  { stateDirectory, guestDirectory }: SourceConfiguration,
  log: Logger,
): Promise<void> {
  for (const { id, records } of await Journal.readAll(stateDirectory)) {
    const migrationLog = migrationLogger(log, id);
    const story = readStory(records);
    if (!story.open) continue;
    const journal = await Journal.open(stateDirectory, id, { log });
    try {
      if (story.handedOver) {
        migrationLog.error(
          { guest: story.guest },
          'an earlier run handed this guest over and did not see the end: ask the destination',
        );
        continue;
      }
      if (story.guest !== undefined)
        await bringBack(guestSocketPath(guestDirectory, story.guest), story, migrationLog);
      await journal.append({ event: 'rolled-back' });
    } catch (thrown) {
      migrationLog.error(
        { err: thrown, guest: story.guest },
        'the guest of an interrupted migration could not be looked after',
      );
    } finally {
      await journal.close();
    }
  }
}

interface Story {
  readonly guest: string | undefined;
  readonly wasRunning: boolean;
  readonly handedOver: boolean;
  readonly open: boolean;
}

function readStory(records: readonly unknown[]): Story {
  let guest: string | undefined;
  let wasRunning = false;
  let handedOver = false;
  let open = true;
  for (const record of records) {
    if (!Value.Check(StoredRecord, record)) continue;
    guest ??= record.request?.guest;
    wasRunning = record.wasRunning ?? wasRunning;
    if (record.event === 'handed-over') handedOver = true;
    if (record.event === 'taken-back') handedOver = false;
    if (['rolled-back', 'completed', 'failed'].includes(record.event)) open = false;
  }
  return { guest, wasRunning, handedOver, open };
}

/** QEMU gave its migration up when the agent went away; a guest that was stopped for it is run again. */
async function bringBack(path: string, { wasRunning }: Story, log: Logger): Promise<void> {
  const qmp = await QmpClient.connect(path);
  try {
    await qmp.execute('migrate_cancel');
    const deadline = performance.now() + QEMU_PATIENCE_MS;
    for (;;) {
      const { running } = await runState(qmp);
      if (running || !wasRunning) break;
      try {
        await continueGuest(qmp);
        break;
      } catch (thrown) {
        if (performance.now() > deadline) throw thrown;
        await sleep(QEMU_PAUSE_MS);
      }
    }
    log.info('the guest of an interrupted migration stays here');
  } finally {
    qmp.close();
  }
}
