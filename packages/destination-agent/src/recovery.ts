import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { Journal, guestSocketPath, migrationLogger, type Logger } from '@pageferry/daemon';
import { QmpClient, continueGuest, quit, runState } from '@pageferry/qemu';
import type { DestinationConfiguration } from './configuration.js';

/** What an earlier run of this agent left of a migration. */
export interface RecoveredMigration {
  readonly id: string;
  readonly phase: 'owner' | 'returned' | 'unknown';
  readonly completed: boolean;
}

const StoredRecord = Type.Object({
  event: Type.String(),
  guest: Type.Optional(Type.String()),
  postcopy: Type.Optional(Type.Boolean()),
  run: Type.Optional(Type.Boolean()),
});

/**
 * Brings every migration that an earlier run of this agent left unfinished to a safe end, before any new one is
 * admitted. What does not belong to this host by its journal is ended here; what does is run.
 */
export async function recoverMigrations(
  { stateDirectory, guestDirectory }: DestinationConfiguration,
  log: Logger,
): Promise<RecoveredMigration[]> {
  const recovered: RecoveredMigration[] = [];
  for (const { id, records } of await Journal.readAll(stateDirectory)) {
    const migrationLog = migrationLogger(log, id);
    const story = readStory(records);
    if (story.open) {
      const journal = await Journal.open(stateDirectory, id, { log });
      try {
        const path = story.guest === undefined ? undefined : guestSocketPath(guestDirectory, story.guest);
        if (story.phase === 'owner') await runOwnGuest(path, story, migrationLog);
        else if (path !== undefined) await endForeignGuest(path, migrationLog);
        await journal.append({ event: story.phase === 'owner' ? 'completed' : 'aborted' });
      } catch (thrown) {
        migrationLog.error(
          { err: thrown, guest: story.guest },
          'a migration of an earlier run could not be brought to an end',
        );
      } finally {
        await journal.close();
      }
    }
    recovered.push({ id, phase: story.phase, completed: story.phase === 'owner' });
  }
  return recovered;
}

interface Story {
  readonly phase: RecoveredMigration['phase'];
  readonly open: boolean;
  readonly guest: string | undefined;
  readonly run: boolean;
  readonly postcopy: boolean;
}

function readStory(records: readonly unknown[]): Story {
  let phase: Story['phase'] = 'unknown';
  let open = true;
  let guest: string | undefined;
  let run = true;
  let postcopy = false;
  for (const record of records) {
    if (!Value.Check(StoredRecord, record)) continue;
    guest ??= record.guest;
    run = record.run ?? run;
    postcopy = record.postcopy ?? postcopy;
    if (record.event === 'owner') phase = 'owner';
    if (record.event === 'returned') phase = 'returned';
    if (['completed', 'returned', 'aborted', 'failed'].includes(record.event)) open = false;
  }
  return { phase, open, guest, run, postcopy };
}

/** The guest belongs here. After pre-copy QEMU has all of it, and may only lack the word to run it. */
async function runOwnGuest(path: string | undefined, { run, postcopy }: Story, log: Logger): Promise<void> {
  if (path === undefined) throw new Error('the journal does not name the guest');
  if (postcopy) {
    log.error('post-copy was interrupted by the end of this agent: the guest waits for pages that it lacks');
    throw new Error('an interrupted post-copy cannot be taken up again by a new run of the agent');
  }
  const qmp = await QmpClient.connect(path);
  try {
    const { running } = await runState(qmp);
    if (run && !running) await continueGuest(qmp);
    log.info('a guest that had come in was found and runs');
  } finally {
    qmp.close();
  }
}

/** The guest does not belong here: its QEMU must not be there to run it. */
async function endForeignGuest(path: string, log: Logger): Promise<void> {
  let qmp: QmpClient;
  try {
    qmp = await QmpClient.connect(path);
  } catch {
    log.info('the QEMU of an interrupted migration is gone');
    return;
  }
  try {
    await quit(qmp);
    log.info('the QEMU of an interrupted migration was ended');
  } finally {
    qmp.close();
  }
}
