import { asPageferryError } from '@pageferry/errors';
import { PAGE_SIZE } from '@pageferry/transfer';
import { Type } from '@sinclair/typebox';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import type { DirtyLog } from '../../src/dirty-log/dirty-log.js';
import { continueGuest, runState, stopGuest } from '../../src/machine/guest-control.js';
import { BareDirtyLog } from '../support/bare-dirty-log.js';
import { expectError } from '../support/expect-error.js';

const { signal } = new AbortController();
const Migration = Type.Object({ status: Type.Optional(Type.String()) });
const Parameters = Type.Record(Type.String(), Type.Unknown());

/** It takes a few to meet QEMU at the wrong moment. */
const ROUNDS = 20;

let bare: BareDirtyLog;

beforeEach(async () => {
  bare = await BareDirtyLog.start();
});
afterEach(async () => {
  await bare.kill();
});

/** Reads the log again and again, as long as that goes well. */
async function collectOnAndOn(log: DirtyLog): Promise<never> {
  for (;;) await log.collect(bare.changed, signal);
}

async function expectGuestToRun(): Promise<void> {
  const { qmp } = bare.qemu;
  const { status = 'none' } = await qmp.executeAs(Migration, 'query-migrate');
  expect(['none', 'cancelled', 'failed']).toContain(status);
  expect(await runState(qmp)).toEqual({ status: 'running', running: true });
}

/** A whole log, from its opening to the device state; afterwards the guest runs again. */
async function expectLogToWork(): Promise<void> {
  const log = await bare.open(signal);
  await bare.readFirstPass(log, signal);
  await log.collect(bare.changed, signal);
  await stopGuest(bare.qemu.qmp);
  expect((await log.finish(bare.changed, signal)).length).toBeGreaterThan(1000);
  await log.giveUp();
  await continueGuest(bare.qemu.qmp);
  expect((await runState(bare.qemu.qmp)).running).toBe(true);
}

const kill = (): void => {
  process.kill(bare.qemu.pid, 'SIGKILL');
};

describe('a dirty log that is given up', () => {
  type Stage = (log: DirtyLog) => Promise<void>;
  const stages: readonly (readonly [string, Stage])[] = [
    ['as soon as it is open', async () => Promise.resolve()],
    ['in its first pass', async (log) => bare.readFirstPass(log, signal, (chunks) => chunks === 3)],
    [
      'after a collect',
      async (log) => {
        await bare.readFirstPass(log, signal);
        await log.collect(bare.changed, signal);
      },
    ],
  ];

  it.each(stages)('%s leaves the guest running, and another one works', async (_title, reach) => {
    const { qmp } = bare.qemu;
    const before = await qmp.executeAs(Parameters, 'query-migrate-parameters');
    const log = await bare.open(signal);
    await reach(log);
    await log.giveUp();
    await expectGuestToRun();
    expect(await qmp.executeAs(Parameters, 'query-migrate-parameters')).toEqual(before);
    await log.giveUp();
    await expectError(log.collect(bare.changed, signal), 'dirty-log', 'closed');
    await expectLogToWork();
  });

  it('after a wait that was cancelled leaves the guest running, and another one works', async () => {
    const log = await bare.open(signal);
    const cancelling = new AbortController();
    const reading = bare.readFirstPass(log, cancelling.signal, () => {
      cancelling.abort();
      return false;
    });
    await expect(reading).rejects.toThrow('aborted');
    await log.giveUp();
    await expectGuestToRun();
    await expectLogToWork();
  });
});

test('QEMU does not switch over while it still stops the guest', async () => {
  // When its log has just been read, its migration thread has room to write, and takes the lock that `stop` waits for.
  for (let round = 0; round < ROUNDS; round++) {
    const log = await bare.open(signal);
    await bare.readFirstPass(log, signal);
    await log.collect(bare.changed, signal);
    await stopGuest(bare.qemu.qmp);
    const migration = await bare.qemu.qmp.executeAs(Migration, 'query-migrate');
    expect(['active', 'pre-switchover']).toContain(migration.status);
    await log.finish(bare.changed, signal);
    await log.giveUp();
    await continueGuest(bare.qemu.qmp);
  }
});

test('a migration of someone else is left alone', async () => {
  const { qmp, folder } = bare.qemu;
  await qmp.execute('migrate-set-parameters', { 'max-bandwidth': 4096 });
  await qmp.execute('migrate', { uri: `file:${folder}/someone-elses` });
  await expectError(bare.open(signal), 'qmp-command', 'migration');
  expect((await qmp.executeAs(Migration, 'query-migrate')).status).toMatch(/setup|active/);
});

test('a collect names what was written just before, however little that was', async () => {
  const memory = await bare.connectMemory();
  const log = await bare.open(signal);
  await bare.readFirstPass(log, signal);
  for (let round = 1; round <= ROUNDS; round++) {
    bare.changed.clear();
    await memory.write(round * PAGE_SIZE, round);
    await log.collect(bare.changed, signal);
    expect(bare.changed.has(bare.pageOfRam(round))).toBe(true);
  }
});

describe('a dirty log fails with a clear reason, and can be given up, when', () => {
  it('someone else stops the guest in the first pass', async () => {
    const log = await bare.open(signal);
    let stopped: Promise<void> | undefined;
    const reading = bare.readFirstPass(log, signal, () => {
      stopped ??= stopGuest(bare.qemu.qmp);
      return false;
    });
    // The first pass may still come to its end.
    const ended = reading.then(() => collectOnAndOn(log));
    await expectError(ended, 'dirty-log', 'the guest was stopped by someone else');
    await stopped;
    await log.giveUp();
    await continueGuest(bare.qemu.qmp);
    await expectGuestToRun();
    await expectLogToWork();
  });

  it('someone else stops the guest during a collect', async () => {
    const log = await bare.open(signal);
    await bare.readFirstPass(log, signal);
    const ended = expectError(collectOnAndOn(log), 'dirty-log', 'the guest was stopped by someone else');
    await stopGuest(bare.qemu.qmp);
    await ended;
    await log.giveUp();
    // Whoever stopped it may have had reasons.
    expect((await runState(bare.qemu.qmp)).running).toBe(false);
    await continueGuest(bare.qemu.qmp);
    await expectGuestToRun();
    await expectLogToWork();
  });

  it('someone else cancels its migration in the first pass', async () => {
    const log = await bare.open(signal);
    let cancelled: Promise<unknown> | undefined;
    const reading = bare.readFirstPass(log, signal, () => {
      cancelled ??= bare.qemu.qmp.execute('migrate_cancel');
      return false;
    });
    const ended = reading.then(() => collectOnAndOn(log));
    await expectError(ended, 'dirty-log', 'cancelled');
    await cancelled;
    await log.giveUp();
    await expectGuestToRun();
    await expectLogToWork();
  });

  it('someone else cancels its migration during a collect', async () => {
    const log = await bare.open(signal);
    await bare.readFirstPass(log, signal);
    const ended = expectError(collectOnAndOn(log), 'dirty-log', 'cancelled');
    await bare.qemu.qmp.execute('migrate_cancel');
    await ended;
    await log.giveUp();
    await expectGuestToRun();
    await expectLogToWork();
  });
});

describe('a QEMU that is killed ends the dirty log at once', () => {
  it('in its first pass', async () => {
    const log = await bare.open(signal);
    const reading = bare.readFirstPass(log, signal, (chunks) => {
      if (chunks === 1) kill();
      return false;
    });
    await expectError(reading, 'dirty-log', 'did QEMU exit?');
  });

  it('during a collect', async () => {
    const log = await bare.open(signal);
    await bare.readFirstPass(log, signal);
    const ended = expectError(collectOnAndOn(log), 'dirty-log', 'did QEMU exit?');
    kill();
    await ended;
  });

  it('while it is finished', async () => {
    const log = await bare.open(signal);
    // What is left of the first pass is more than was written before the kill.
    await bare.readFirstPass(log, signal, () => true);
    await stopGuest(bare.qemu.qmp);
    const finished = log.finish(bare.changed, signal).then(
      () => undefined,
      (thrown: unknown) => asPageferryError(thrown).code,
    );
    kill();
    // Its stream and its monitor end at the same time.
    expect(['dirty-log', 'qmp-closed']).toContain(await finished);
  });

  it('and giving it up does not wait for it', async () => {
    const log = await bare.open(signal);
    await bare.readFirstPass(log, signal);
    kill();
    await expectError(collectOnAndOn(log), 'dirty-log', 'did QEMU exit?');
    await log.giveUp();
  });
});
