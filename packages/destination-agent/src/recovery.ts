import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { Journal, guestSocketPath, migrationLogger, type Logger } from '@pageferry/daemon';
import { continueGuest, quit, runState } from '@pageferry/qemu';
import { PageferryError } from '@pageferry/errors';
import type { DestinationConfiguration } from './configuration.js';
import type { InterruptedPostcopy } from './incoming-journal.js';
import { IncomingMonitor, keeperPath, releaseKeepers } from './incoming-monitor.js';

/** What an earlier run of this agent left of a migration. */
export interface RecoveredMigration {
  readonly id: string;
  readonly phase: 'owner' | 'returned' | 'unknown';
  readonly completed: boolean;
}

/** What an earlier run left: migrations that are over, and guests of this host that still lack pages. */
export interface Recovery {
  readonly ended: readonly RecoveredMigration[];
  readonly interrupted: readonly { readonly id: string; readonly postcopy: InterruptedPostcopy }[];
}

const StoredRecord = Type.Object({
  event: Type.String(),
  guest: Type.Optional(Type.String()),
  mode: Type.Optional(
    Type.Union([Type.Literal('precopy'), Type.Literal('postcopy'), Type.Literal('hybrid')]),
  ),
  blocks: Type.Optional(
    Type.Array(Type.Object({ name: Type.String(), length: Type.Integer(), pageSize: Type.Integer() })),
  ),
  qemu: Type.Optional(Type.String()),
  postcopy: Type.Optional(Type.Boolean()),
  run: Type.Optional(Type.Boolean()),
  startedAt: Type.Optional(Type.Integer()),
});

/**
 * Brings every migration that an earlier run of this agent left unfinished to a safe end, before any new one is
 * admitted. What does not belong to this host by its journal is ended here; what does is run. A guest that still
 * lacks pages is left to whoever takes its post-copy up.
 */
export async function recoverMigrations(
  { stateDirectory, guestDirectory, runtimeDirectory }: DestinationConfiguration,
  log: Logger,
): Promise<Recovery> {
  const ended: RecoveredMigration[] = [];
  const interrupted: { id: string; postcopy: InterruptedPostcopy }[] = [];
  for (const { id, records } of await Journal.readAll(stateDirectory)) {
    const migrationLog = migrationLogger(log, id);
    const story = readStory(records);
    if (story.open) {
      const journal = await Journal.open(stateDirectory, id, { log });
      try {
        const place =
          story.guest === undefined
            ? undefined
            : {
                keeper: keeperPath(runtimeDirectory, id),
                guest: guestSocketPath(guestDirectory, story.guest),
              };
        if (story.phase !== 'owner') {
          if (place !== undefined) await endForeignGuest(place, story, migrationLog);
          await journal.append({ event: 'aborted' });
        } else if (story.postcopy) {
          interrupted.push({ id, postcopy: postcopyOf(story) });
          continue;
        } else {
          await runOwnGuest(place, story, migrationLog);
          await journal.append({ event: 'completed' });
        }
      } catch (thrown) {
        migrationLog.error(
          { err: thrown, guest: story.guest },
          'a migration of an earlier run could not be brought to an end',
        );
      } finally {
        await journal.close();
      }
    }
    // After pre-copy the guest is complete where it belongs, whatever else is the matter with it.
    ended.push({ id, phase: story.phase, completed: story.phase === 'owner' });
  }
  await releaseKeepers(runtimeDirectory, new Set(interrupted.map(({ id }) => id)));
  return { ended, interrupted };
}

/** Where QEMU's monitor is found. */
interface MonitorPlace {
  readonly keeper: string;
  readonly guest: string;
}

/** What a journal says. */
export interface Story {
  readonly phase: RecoveredMigration['phase'];
  readonly open: boolean;
  readonly guest: string | undefined;
  readonly mode: InterruptedPostcopy['mode'];
  readonly blocks: InterruptedPostcopy['blocks'];
  readonly run: boolean;
  readonly postcopy: boolean;
  readonly qemu: string | undefined;
  /** ms since the epoch; 0 if the journal does not say it. */
  readonly startedAt: number;
  readonly failed: boolean;
}

export function readStory(records: readonly unknown[]): Story {
  let phase: Story['phase'] = 'unknown';
  let open = true;
  let guest: string | undefined;
  let mode: Story['mode'] = 'hybrid';
  let blocks: Story['blocks'] = [];
  let run = true;
  let postcopy = false;
  let qemu: string | undefined;
  let startedAt = 0;
  let failed = false;
  for (const record of records) {
    if (!Value.Check(StoredRecord, record)) continue;
    guest ??= record.guest;
    qemu ??= record.qemu;
    startedAt = record.startedAt ?? startedAt;
    mode = record.mode ?? mode;
    blocks = record.blocks ?? blocks;
    run = record.run ?? run;
    postcopy = record.postcopy ?? postcopy;
    if (record.event === 'failed') failed = true;
    if (record.event === 'owner') phase = 'owner';
    if (record.event === 'returned') phase = 'returned';
    if (['completed', 'returned', 'aborted', 'failed'].includes(record.event)) open = false;
  }
  return { phase, open, guest, mode, blocks, run, postcopy, qemu, startedAt, failed };
}

function postcopyOf({ guest, mode, blocks, run, qemu }: Story): InterruptedPostcopy {
  if (guest === undefined || qemu === undefined) throw namelessGuest();
  return { guest, mode, blocks, run, qemu };
}

/** The guest belongs here, and QEMU has all of it; it may only lack the word to run it. */
async function runOwnGuest(
  place: MonitorPlace | undefined,
  { run, qemu }: Story,
  log: Logger,
): Promise<void> {
  if (place === undefined) throw namelessGuest();
  const monitor = await IncomingMonitor.reconnect(place.keeper, place.guest);
  try {
    if (!(await monitor.isOf(qemu))) throw strangeQemu();
    const { running } = await runState(monitor.qmp);
    if (run && !running) await continueGuest(monitor.qmp);
    log.info('a guest that had come in was found and runs');
  } finally {
    await monitor.close();
  }
}

/** The guest does not belong here: its QEMU must not be there to run it. */
async function endForeignGuest({ keeper, guest }: MonitorPlace, { qemu }: Story, log: Logger): Promise<void> {
  let monitor: IncomingMonitor;
  try {
    monitor = await IncomingMonitor.reconnect(keeper, guest);
  } catch {
    log.info('the QEMU of an interrupted migration is gone');
    return;
  }
  try {
    // By now another QEMU may serve this socket, and what does not belong to this migration is not touched.
    if (!(await monitor.isOf(qemu)) || (await runState(monitor.qmp)).running) {
      log.warn('another QEMU has the place of an interrupted migration: it is left alone');
      return;
    }
    await quit(monitor.qmp);
    log.info('the QEMU of an interrupted migration was ended');
  } finally {
    await monitor.close();
  }
}

function strangeQemu(): PageferryError {
  return new PageferryError('guest-state', 'another QEMU has the place of the one that took the guest in');
}

function namelessGuest(): PageferryError {
  return new PageferryError('journal', 'the journal does not name the guest');
}
