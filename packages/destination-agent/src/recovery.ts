import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { Journal, migrationLogger, type Logger } from '@pageferry/daemon';
import { continueGuest, quit, runState } from '@pageferry/qemu';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import { errorForWire, type ControlOf } from '@pageferry/wire';
import type { DestinationConfiguration } from './configuration.js';
import type { IncomingDriver } from './drivers/driver.js';
import type { InterruptedPostcopy } from './incoming-journal.js';
import { IncomingMonitor, keeperPath, releaseKeepers } from './incoming-monitor.js';
import type { PeerNames } from './same-peer.js';

/** What an earlier run of this agent left of a migration. */
export interface RecoveredMigration {
  readonly id: string;
  readonly phase: 'owner' | 'returned' | 'unknown';
  readonly completed: boolean;
  /** If it was given up while the guest, which this host has, lacked pages. */
  readonly error?: ControlOf<'standing'>['error'];
  /** Undefined if its journal does not say. */
  readonly peers?: PeerNames | undefined;
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
  peers: Type.Optional(Type.Array(Type.String())),
});

/**
 * Brings every migration that an earlier run of this agent left unfinished to a safe end, before any new one is
 * admitted. What does not belong to this host by its journal is ended here; what does is run. A guest that still
 * lacks pages is left to whoever takes its post-copy up.
 */
export async function recoverMigrations(
  { stateDirectory, runtimeDirectory }: DestinationConfiguration,
  driver: IncomingDriver,
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
        const { guest } = story;
        const place: MonitorPlace | undefined =
          guest === undefined
            ? undefined
            : { guest, driver, keeper: keeperPath(runtimeDirectory, id), log: migrationLog };
        if (story.phase !== 'owner') {
          if (place !== undefined) await endForeignGuest(place, story);
          await journal.append({ event: 'aborted' });
        } else if (story.postcopy) {
          interrupted.push({ id, postcopy: postcopyOf(story) });
          continue;
        } else {
          await runOwnGuest(place, story);
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
    ended.push({ id, ...standingOf(story), peers: story.peers });
  }
  await releaseKeepers(runtimeDirectory, new Set(interrupted.map(({ id }) => id)));
  return { ended, interrupted };
}

function standingOf({
  phase,
  postcopy,
  failed,
}: Story): Pick<RecoveredMigration, 'phase' | 'completed' | 'error'> {
  // After pre-copy the guest is complete where it belongs, whatever else is the matter with it.
  if (phase !== 'owner' || !postcopy || !failed) return { phase, completed: phase === 'owner' };
  const message = 'post-copy failed in an earlier run of the agent, whose log says why';
  const error = new PageferryError('incoming-failed', message, { host: 'destination' });
  return { phase, completed: false, error: errorForWire(error) };
}

/** Where QEMU's monitor is found. */
interface MonitorPlace {
  readonly guest: string;
  readonly driver: IncomingDriver;
  readonly keeper: string;
  readonly log: Logger;
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
  readonly peers: PeerNames | undefined;
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
  let peers: Story['peers'];
  let startedAt = 0;
  let failed = false;
  for (const record of records) {
    if (!Value.Check(StoredRecord, record)) continue;
    guest ??= record.guest;
    qemu ??= record.qemu;
    peers ??= record.peers;
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
  return { phase, open, guest, mode, blocks, run, postcopy, qemu, peers, startedAt, failed };
}

function postcopyOf({ guest, mode, blocks, run, qemu, peers }: Story): InterruptedPostcopy {
  if (guest === undefined || qemu === undefined) throw namelessGuest();
  return { guest, mode, blocks, run, qemu, peers };
}

/** The guest belongs here, and QEMU has all of it; it may only lack the word to run it. */
async function runOwnGuest(place: MonitorPlace | undefined, { run, qemu }: Story): Promise<void> {
  if (place === undefined) throw namelessGuest();
  const monitor = await reconnect(place);
  try {
    if (!(await monitor.isOf(qemu))) throw strangeQemu();
    const { running } = await runState(monitor.qmp);
    if (run && !running) await continueGuest(monitor.qmp);
    place.log.info('a guest that had come in was found and runs');
  } finally {
    await monitor.close();
  }
}

/** The guest does not belong here: its QEMU must not be there to run it. */
async function endForeignGuest(place: MonitorPlace, { qemu }: Story): Promise<void> {
  // Without an identity in the journal QEMU was only about to be provided.
  const isLeft = qemu !== undefined && !(await quitForeignQemu(place, qemu));
  if (!isLeft) await place.driver.endLeftOver(place.guest);
}

/** False if the QEMU that is there must not be touched. */
async function quitForeignQemu(place: MonitorPlace, qemu: string): Promise<boolean> {
  const { log } = place;
  let monitor: IncomingMonitor;
  try {
    monitor = await reconnect(place);
  } catch (thrown) {
    // Anything else is no word on QEMU.
    if (!asPageferryError(thrown).code.startsWith('qmp-')) throw thrown;
    log.info('the QEMU of an interrupted migration is gone');
    return true;
  }
  try {
    // By now another QEMU may serve this socket, and what does not belong to this migration is not touched.
    if (!(await monitor.isOf(qemu)) || (await runState(monitor.qmp)).running) {
      log.warn('another QEMU has the place of an interrupted migration: it is left alone');
      return false;
    }
    await quit(monitor.qmp);
    log.info('the QEMU of an interrupted migration was ended');
    return true;
  } finally {
    await monitor.close();
  }
}

async function reconnect({ driver, guest, keeper }: MonitorPlace): Promise<IncomingMonitor> {
  return IncomingMonitor.reconnect(keeper, () => driver.find(guest));
}

function strangeQemu(): PageferryError {
  return new PageferryError('guest-state', 'another QEMU has the place of the one that took the guest in');
}

function namelessGuest(): PageferryError {
  return new PageferryError('journal', 'the journal does not name the guest');
}
