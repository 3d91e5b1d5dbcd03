import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { Journal, migrationLogger, type Logger } from '@pageferry/daemon';
import { processIdentity, runAgain } from '@pageferry/qemu';
import { asPageferryError, sleep } from '@pageferry/errors';
import type { SourceConfiguration } from './configuration.js';
import { connectGuest } from './guest-monitor.js';
import type { InterruptedHandOver } from './outgoing-journal.js';
import { MigrationRequest } from './request.js';
import { ANSWER_TIMEOUT_MS } from './source-guest.js';

const StoredRecord = Type.Object({
  event: Type.String(),
  request: Type.Optional(MigrationRequest),
  wasRunning: Type.Optional(Type.Boolean()),
  qemu: Type.Optional(Type.String()),
  postcopy: Type.Optional(Type.Boolean()),
  startedAt: Type.Optional(Type.Integer()),
});

/** The agent's start waits for it, ms. */
const RUN_AGAIN_TIMEOUT_MS = 10_000;
/** From one time that a QEMU which does not answer is asked to the next, ms. */
const ANSWER_PAUSE_MS = 1000;

/** A migration of an earlier run that was handed over, and whose end nobody here has seen. */
export interface InterruptedMigration {
  readonly id: string;
  readonly handOver: InterruptedHandOver;
}

/** A migration of an earlier run whose guest is this host's. */
interface UnfinishedMigration {
  readonly id: string;
  readonly story: Story;
  readonly log: Logger;
}

export interface Recovery {
  readonly interrupted: readonly InterruptedMigration[];
  /** Resolves when no QEMU is waited for any more that does not answer. */
  readonly settled: Promise<void>;
}

/**
 * Looks at every migration that an earlier run of this agent left unfinished. A guest that had not been handed over is
 * this host's: it runs on, or is run again. Those that had been are not touched here: the destination has to be asked.
 * @param signal ends the wait for QEMUs that do not answer; the agent's next run looks after their guests
 */
export async function recoverMigrations(
  configuration: SourceConfiguration,
  log: Logger,
  signal: AbortSignal,
): Promise<Recovery> {
  const { stateDirectory } = configuration;
  const interrupted: InterruptedMigration[] = [];
  const unfinished: UnfinishedMigration[] = [];
  for (const { id, records, damaged } of await Journal.readAll(stateDirectory)) {
    const migrationLog = migrationLogger(log, id);
    const story = readStory(records);
    if (!story.open) continue;
    if (damaged) {
      // The hand-over may have been in what is lost: a guest that ran on both hosts would be worse than one that stands.
      migrationLog.error(
        { guest: story.request?.guest },
        'the journal of an interrupted migration is damaged: see which host has the guest, and run it there by hand',
      );
      continue;
    }
    const { request, wasRunning, postcopy, qemu } = story;
    if (story.handedOver && request !== undefined) {
      interrupted.push({ id, handOver: { request, wasRunning, postcopy, qemu } });
      continue;
    }
    unfinished.push({ id, story, log: migrationLog });
  }
  // All at once: each QEMU that does not answer takes the time that it is given to.
  const waits: Promise<void>[] = [];
  await Promise.all(
    unfinished.map(async (migration) => {
      const lookAfter = () => lookAfterGuest(configuration, migration);
      if (await lookAfter()) return;
      const { story, log: migrationLog } = migration;
      migrationLog.warn(
        { guest: story.request?.guest },
        'the QEMU of an interrupted migration does not answer: it is asked again',
      );
      waits.push(untilAnswered(lookAfter, migrationLog, signal));
    }),
  );
  return { interrupted, settled: Promise.all(waits).then(() => undefined) };
}

/** False if the guest's QEMU does not answer; any other failure is logged. */
async function lookAfterGuest(
  configuration: SourceConfiguration,
  { id, story, log }: UnfinishedMigration,
): Promise<boolean> {
  const guest = story.request?.guest;
  const journal = await Journal.open(configuration.stateDirectory, id, { log });
  try {
    if (guest !== undefined) await bringBack(configuration, guest, story, log);
    await journal.append({ event: 'rolled-back' });
  } catch (thrown) {
    if (asPageferryError(thrown).code === 'qmp-timeout') return false;
    log.error({ err: thrown, guest }, 'the guest of an interrupted migration could not be looked after');
  } finally {
    await journal.close();
  }
  return true;
}

async function untilAnswered(
  lookAfter: () => Promise<boolean>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + ANSWER_TIMEOUT_MS;
  while (performance.now() < deadline) {
    await sleep(ANSWER_PAUSE_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      if (await lookAfter()) return;
    } catch (thrown) {
      log.error({ err: thrown }, 'the guest of an interrupted migration could not be looked after');
      return;
    }
  }
  log.error(
    'the QEMU of an interrupted migration does not answer: run its guest by hand (cont), or start this agent again',
  );
}

/** What a journal says. */
export interface Story {
  readonly request: MigrationRequest | undefined;
  readonly wasRunning: boolean;
  readonly postcopy: boolean;
  readonly qemu: string;
  /** Whether it was about to be stopped, or has been. */
  readonly stopping: boolean;
  readonly handedOver: boolean;
  readonly open: boolean;
  /** ms since the epoch; 0 if the journal does not say it. */
  readonly startedAt: number;
  /** The event of the last record that says how it goes on. */
  readonly lastEvent: string | undefined;
}

export function readStory(records: readonly unknown[]): Story {
  let request: MigrationRequest | undefined;
  let wasRunning = false;
  let postcopy = false;
  let qemu = '';
  let stopping = false;
  let handedOver = false;
  let open = true;
  let startedAt = 0;
  let lastEvent: string | undefined;
  for (const record of records) {
    if (!Value.Check(StoredRecord, record)) continue;
    request ??= record.request;
    wasRunning = record.wasRunning ?? wasRunning;
    postcopy = record.postcopy ?? postcopy;
    qemu = record.qemu ?? qemu;
    startedAt = record.startedAt ?? startedAt;
    if (record.event !== 'ended') lastEvent = record.event;
    if (record.event === 'stopping') stopping = true;
    if (record.event === 'handed-over') handedOver = true;
    if (record.event === 'taken-back') handedOver = false;
    if (['rolled-back', 'completed', 'failed'].includes(record.event)) open = false;
  }
  return { request, wasRunning, postcopy, qemu, stopping, handedOver, open, startedAt, lastEvent };
}

/** QEMU gave its migration up when the agent went away; a guest that was stopped for it is run again. */
async function bringBack(
  configuration: SourceConfiguration,
  guest: string,
  { wasRunning, stopping, qemu }: Story,
  log: Logger,
): Promise<void> {
  const qmp = await connectGuest(configuration, guest);
  try {
    // By now another QEMU may serve this socket, and what does not belong to this migration is not touched.
    if ((await processIdentity(qmp)) !== qemu) {
      log.warn('another QEMU has the place of an interrupted migration: it is left alone');
      return;
    }
    await qmp.execute('migrate_cancel');
    if (wasRunning && stopping) await runAgain(qmp, RUN_AGAIN_TIMEOUT_MS);
    log.info('the guest of an interrupted migration stays here');
  } finally {
    qmp.close();
  }
}
