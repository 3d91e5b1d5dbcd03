import { existsSync } from 'node:fs';
import { PageferryError } from '@pageferry/errors';
import { MonitorKeeper, QmpClient, processIdentity } from '@pageferry/qemu';
import { beforeEach, describe, expect, test } from 'vitest';
import { createDriver } from '../src/drivers/create-driver.js';
import { keeperPath } from '../src/incoming-monitor.js';
import { recoverMigrations, type Recovery } from '../src/recovery.js';
import { FakeDriver } from './support/fake-driver.js';
import { destinationHost, type DestinationHost, type FakeQemu } from './support/destination-host.js';

// What an agent does, when it starts, with the journals that an earlier run has left.

const blocks = [{ name: 'pc.ram', length: 4096, pageSize: 4096 }];
const owner = { event: 'owner', run: true };
const ready = { event: 'ready', postcopy: false };
const paused = { event: 'ready', postcopy: true };

let host: DestinationHost;
let qemu = 'nobody';

const preparing = (more: object = {}): object => ({
  event: 'preparing',
  guest: 'web1',
  mode: 'hybrid',
  blocks,
  qemu,
  ...more,
});

const recover = async (): Promise<Recovery> =>
  recoverMigrations(host.configuration, createDriver(host.configuration, host.log), host.log);
const ended = (phase: string, completed = false): object => ({
  ended: [{ id: 'one', phase, completed }],
  interrupted: [],
});

async function startQemu(options?: Parameters<DestinationHost['startQemu']>[1]): Promise<FakeQemu> {
  const fake = await host.startQemu('web1', options);
  const qmp = await QmpClient.connect(host.socketOf('web1'));
  qemu = await processIdentity(qmp);
  qmp.close();
  return fake;
}

beforeEach(async () => {
  host = await destinationHost();
});

test('there is nothing to do without journals', async () => {
  expect(await recover()).toEqual({ ended: [], interrupted: [] });
});

describe('a migration that has ended is left alone, and remembered:', () => {
  test.each([
    ['aborted', [], 'unknown', false],
    ['failed', [], 'unknown', false],
    ['returned', [owner], 'returned', false],
    ['completed', [owner], 'owner', true],
  ])('%s', async (event, before, phase, completed) => {
    const fake = await startQemu();
    const records = [preparing(), ready, ...before, { event }];
    await host.writeJournal('one', records);
    expect(await recover()).toEqual(ended(phase, completed));
    expect(fake.commands).toEqual([]);
    expect(await host.events('one')).toHaveLength(records.length);
  });
});

describe('a guest that was not handed over', () => {
  test.each([
    ['preparing', () => [preparing()]],
    ['ready', () => [preparing(), ready]],
    ['ready for post-copy', () => [preparing(), paused]],
  ])('has its QEMU ended: %s', async (_what, records) => {
    const fake = await startQemu();
    await host.writeJournal('one', records());
    expect(await recover()).toEqual(ended('unknown'));
    expect(fake.commands).toEqual(['quit']);
    expect((await host.events('one')).at(-1)).toBe('aborted');
  });

  test('is over with its QEMU', async () => {
    await host.writeJournal('one', [preparing()]);
    expect(await recover()).toEqual(ended('unknown'));
    expect((await host.events('one')).at(-1)).toBe('aborted');
  });

  test.each([
    ['another QEMU has its place', false, '1@1'],
    ['someone has run it', true, undefined],
  ])('keeps its QEMU if %s', async (_what, running, other) => {
    const fake = await startQemu({ running });
    await host.writeJournal('one', [preparing(other === undefined ? {} : { qemu: other })]);
    expect(await recover()).toEqual(ended('unknown'));
    expect(fake.commands).toEqual([]);
  });

  test('is over if its journal does not even name it', async () => {
    await host.writeJournal('one', [{ event: 'preparing' }]);
    expect(await recover()).toEqual(ended('unknown'));
    expect(await host.events('one')).toEqual(['preparing', 'aborted']);
  });
});

describe('a QEMU that an earlier run has, or may have, started', () => {
  const recoverWith = async (driver: FakeDriver): Promise<Recovery> =>
    recoverMigrations(host.configuration, driver, host.log);
  const fakeDriver = (): FakeDriver => new FakeDriver(host.socketOf);
  const starting = { event: 'starting', guest: 'web1', mode: 'hybrid' };

  test('is left to its driver as long as the journal does not know it', async () => {
    const fake = await startQemu();
    const driver = fakeDriver();
    await host.writeJournal('one', [starting]);
    expect(await recoverWith(driver)).toEqual(ended('unknown'));
    expect(driver.calls).toEqual(['end web1']);
    expect(fake.commands).toEqual([]);
    expect(await host.events('one')).toEqual(['starting', 'aborted']);
  });

  test('is ended, and what came with it', async () => {
    const fake = await startQemu();
    const driver = fakeDriver();
    await host.writeJournal('one', [starting, preparing()]);
    expect(await recoverWith(driver)).toEqual(ended('unknown'));
    expect(fake.commands).toEqual(['quit']);
    expect(driver.calls).toEqual(['find web1', 'end web1']);
  });

  test('is left alone if another one has its place', async () => {
    await startQemu();
    const driver = fakeDriver();
    await host.writeJournal('one', [starting, preparing({ qemu: '1@1' })]);
    await recoverWith(driver);
    expect(driver.calls).toEqual(['find web1']);
  });

  test('is looked for again at the next start if its driver cannot say', async () => {
    const driver = fakeDriver();
    driver.find = async () => Promise.reject(new PageferryError('driver-failed', 'no answer'));
    await host.writeJournal('one', [starting, preparing()]);
    expect(await recoverWith(driver)).toEqual(ended('unknown'));
    expect(await host.events('one')).toEqual(['starting', 'preparing']);
  });
});

describe('a guest that was handed over by pre-copy', () => {
  test('is run', async () => {
    const fake = await startQemu();
    await host.writeJournal('one', [preparing(), ready, owner]);
    expect(await recover()).toEqual(ended('owner', true));
    expect(fake.commands).toEqual(['cont']);
    expect((await host.events('one')).at(-1)).toBe('completed');
  });

  test.each([
    ['runs already', true, owner],
    ['was paused on the source', false, { event: 'owner', run: false }],
  ])('is left as it is if it %s', async (_what, running, record) => {
    const fake = await startQemu({ running });
    await host.writeJournal('one', [preparing(), ready, record]);
    expect(await recover()).toEqual(ended('owner', true));
    expect(fake.commands).toEqual([]);
    expect((await host.events('one')).at(-1)).toBe('completed');
  });

  test('is not run in another QEMU, and looked for again at the next start', async () => {
    const fake = await startQemu();
    await host.writeJournal('one', [preparing({ qemu: '1@1' }), ready, owner]);
    expect(await recover()).toEqual(ended('owner', true));
    expect(fake.commands).toEqual([]);
    expect((await host.events('one')).at(-1)).toBe('owner');
  });
});

describe('a guest that was handed over by post-copy', () => {
  test('is left to whoever takes it up, with what the journal says of it', async () => {
    const fake = await startQemu();
    const peers = ['a.hosts.test'];
    const begun = preparing({ mode: 'postcopy', peers });
    await host.writeJournal('one', [begun, paused, owner, { event: 'running' }]);
    expect(await recover()).toEqual({
      ended: [],
      interrupted: [
        { id: 'one', postcopy: { guest: 'web1', mode: 'postcopy', run: true, blocks, qemu, peers } },
      ],
    });
    expect(fake.commands).toEqual([]);
    expect((await host.events('one')).at(-1)).toBe('running');
  });
});

test('a guest that was given up in post-copy is not said to be complete, one that came by pre-copy is', async () => {
  const failed = { event: 'failed', error: { code: 'incoming-failed', message: 'its QEMU is gone' } };
  await host.writeJournal('one', [preparing(), paused, owner, failed]);
  await host.writeJournal('two', [preparing(), ready, owner, failed]);
  const { ended: said } = await recover();
  expect(said.find(({ id }) => id === 'one')).toMatchObject({
    phase: 'owner',
    completed: false,
    error: { code: 'incoming-failed', host: 'destination' },
  });
  expect(said.find(({ id }) => id === 'two')).toMatchObject({ phase: 'owner', completed: true });
});

describe('a keeper of an earlier run', () => {
  /** The QMP connection of a migration, left as a killed agent leaves it. */
  async function leaveKeeper(id: string): Promise<void> {
    const qmp = await QmpClient.connect(host.socketOf('web1'), { outOfBand: true });
    const path = keeperPath(host.configuration.runtimeDirectory, id);
    const keeper = await MonitorKeeper.start(qmp, path, new AbortController().signal);
    qmp.close();
    keeper.leave();
    (await borrowed(path)).close();
  }
  /** It lends the connection once it has noticed that whoever had it is gone. */
  async function borrowed(path: string): Promise<QmpClient> {
    for (;;) {
      const qmp = await MonitorKeeper.connect(path).catch(() => undefined);
      if (qmp !== undefined) return qmp;
    }
  }
  const isKept = (id: string): boolean => existsSync(keeperPath(host.configuration.runtimeDirectory, id));

  test('is ended with its migration', async () => {
    await startQemu();
    await host.writeJournal('one', [preparing(), paused, owner, { event: 'completed' }]);
    await leaveKeeper('one');
    await recover();
    expect(isKept('one')).toBe(false);
  });

  test('lends its connection to end a guest that was not handed over', async () => {
    const fake = await startQemu();
    await host.writeJournal('one', [preparing({ qemu: 'not asked for' })]);
    await leaveKeeper('one');
    expect(await recover()).toEqual(ended('unknown'));
    expect(fake.commands).toEqual(['quit']);
    expect(isKept('one')).toBe(false);
  });

  test('stays for a post-copy that goes on', async () => {
    await startQemu();
    await host.writeJournal('one', [preparing(), paused, owner]);
    await leaveKeeper('one');
    await recover();
    expect(isKept('one')).toBe(true);
    const qmp = await borrowed(keeperPath(host.configuration.runtimeDirectory, 'one'));
    await MonitorKeeper.release(qmp);
  });
});
