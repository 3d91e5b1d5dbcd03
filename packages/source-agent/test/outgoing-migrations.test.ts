import { Journal } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { OutgoingMigration } from '../src/outgoing-migration.js';
import { OutgoingMigrations } from '../src/outgoing-migrations.js';
import { FakeQemu } from './support/fake-qemu.js';
import { requestFor, sourceHost, type SourceHost } from './support/source-host.js';

const mostRemembered = 3;

let host: SourceHost;
let agent: AbortController;
let migrations: OutgoingMigrations;

beforeEach(async () => {
  host = await sourceHost();
  agent = new AbortController();
  migrations = new OutgoingMigrations(host.configuration, host.log, agent.signal, { mostRemembered });
  onTestFinished(async () => {
    agent.abort(new PageferryError('interrupted', 'the test is over'));
    await migrations.settled();
  });
});

/** A guest whose QEMU does not answer: its migration begins, and comes no further. */
const silentGuest = async (name: string): Promise<FakeQemu> =>
  FakeQemu.listen(host.socketOf(name), { silent: true });

/** A migration that has ended. */
async function ended(name: string): Promise<OutgoingMigration> {
  const qemu = await silentGuest(name);
  const migration = await migrations.start(requestFor(name));
  qemu.kill();
  await expect.poll(() => migrations.ended(migration.id)).toBeDefined();
  return migration;
}

test('a migration that was started is found, and listed', async () => {
  await silentGuest('web1');
  const { id, view } = await migrations.start(requestFor('web1'));
  expect(view).toMatchObject({ id, guest: 'web1', state: 'setup', mode: 'hybrid', error: null });
  expect(migrations.find(id).id).toBe(id);
  expect(migrations.views.map((listed) => listed.id)).toEqual([id]);
});

test('what was never started is not found', () => {
  expect(() => migrations.find('c0ffee')).toThrow(expect.objectContaining({ code: 'migration-not-found' }));
});

test.each(['gone', '../web1', ''])(
  'a guest "%s" that is not here is not found, and leaves no journal',
  async (name) => {
    const request = { ...requestFor('web1'), guest: name };
    await expect(migrations.start(request)).rejects.toMatchObject({ code: 'guest-not-found' });
    expect(migrations.views).toEqual([]);
    expect(await Journal.readAll(host.configuration.stateDirectory)).toEqual([]);
  },
);

test('a request that contradicts itself is refused', async () => {
  const request = requestFor('web1', { mode: 'precopy', whenStalled: 'postcopy' });
  await expect(migrations.start(request)).rejects.toMatchObject({ code: 'request-invalid' });
});

test('a guest is migrated once at a time', async () => {
  await silentGuest('web1');
  await silentGuest('web2');
  const { id } = await migrations.start(requestFor('web1'));
  await expect(migrations.start(requestFor('web1'))).rejects.toMatchObject({
    code: 'guest-busy',
    message: `the guest "web1" is being migrated: ${id}`,
  });
  await migrations.start(requestFor('web2'));
});

test('of two requests at the same time one is refused, without a trace', async () => {
  await silentGuest('web1');
  const outcomes = await Promise.allSettled([
    migrations.start(requestFor('web1')),
    migrations.start(requestFor('web1')),
  ]);
  expect(outcomes).toMatchObject([{ status: 'fulfilled' }, { reason: { code: 'guest-busy' } }]);
  expect(await Journal.readAll(host.configuration.stateDirectory)).toHaveLength(1);
});

test('a guest whose migration has failed may be migrated again', async () => {
  const first = await ended('web1');
  expect(first.view).toMatchObject({ state: 'failed', error: { host: 'source' } });
  expect(await host.events(first.id)).toEqual(['rolled-back', 'ended']);
  const second = await ended('web1');
  expect(migrations.views.map(({ id }) => id)).toEqual([first.id, second.id]);
});

test('only the newest migrations are remembered, and all that are under way', async () => {
  await silentGuest('busy');
  const busy = await migrations.start(requestFor('busy'));
  for (const name of ['one', 'two', 'three', 'four']) await ended(name);
  expect(migrations.views.map(({ guest }) => guest)).toEqual(['two', 'three', 'four', 'busy']);
  expect(busy.isOver).toBe(false);
  const stored = async (): Promise<string[]> =>
    (await Journal.readAll(host.configuration.stateDirectory)).map((journal) => journal.id).sort();
  await expect.poll(stored).toEqual(migrations.views.map((view) => view.id).sort());
});

test('nothing is started any more when the agent ends, and what is under way ends with it', async () => {
  await silentGuest('web1');
  const migration = await migrations.start(requestFor('web1'));
  agent.abort(new PageferryError('interrupted', 'the agent ends'));
  await migrations.settled();
  expect(migration.view).toMatchObject({
    state: 'failed',
    error: { type: 'urn:pageferry:error:interrupted' },
  });
  await expect(migrations.start(requestFor('web1'))).rejects.toMatchObject({ code: 'interrupted' });
});

test('a migration that begins while the agent ends comes no further', async () => {
  await silentGuest('web1');
  const starting = migrations.start(requestFor('web1'));
  agent.abort(new PageferryError('interrupted', 'the agent ends'));
  const migration = await starting;
  await migrations.settled();
  expect(migration.view).toMatchObject({
    state: 'failed',
    error: { type: 'urn:pageferry:error:interrupted' },
  });
});

test('what has ended is known to the next run, until it is deleted', async () => {
  const { id, view } = await ended('web1');
  const next = new OutgoingMigrations(host.configuration, host.log, agent.signal);
  await next.takeUp([]);
  expect(next.view(id)).toEqual(view);
  expect(next.ended(id)?.events).toBe(migrations.ended(id)?.events);
  expect(() => next.find(id)).toThrow(expect.objectContaining({ code: 'migration-state' }));
  await next.delete(id);
  expect(next.views).toEqual([]);
  expect(await Journal.readAll(host.configuration.stateDirectory)).toEqual([]);
  await expect(next.delete(id)).rejects.toMatchObject({ code: 'migration-not-found' });
});

test('of what an agent that was killed has brought to an end, the next run shows what the journal says', async () => {
  const started = {
    event: 'started',
    request: requestFor('web1'),
    wasRunning: true,
    qemu: '1@1',
    startedAt: 5,
  };
  await host.writeJournal('moved', [started, { event: 'completed' }]);
  await host.writeJournal('stayed', [{ ...started, startedAt: 3 }, { event: 'rolled-back' }]);
  await host.writeJournal('never-began', [{ event: 'rolled-back' }]);
  await migrations.takeUp([]);
  expect(migrations.views).toMatchObject([
    { id: 'stayed', guest: 'web1', state: 'failed', error: { type: 'urn:pageferry:error:interrupted' } },
    { id: 'moved', guest: 'web1', state: 'completed', startedAt: 5, error: null },
  ]);
  expect(await host.events('never-began')).toEqual([]);
});

test('one that is under way is not deleted', async () => {
  await silentGuest('web1');
  const { id } = await migrations.start(requestFor('web1'));
  await expect(migrations.delete(id)).rejects.toMatchObject({ code: 'migration-state' });
});

test('of ten migrations at once only as many begin as are allowed, and another one when one has ended', async () => {
  const configuration = { ...host.configuration, maxConcurrentMigrations: 2 };
  const limited = new OutgoingMigrations(configuration, host.log, agent.signal);
  onTestFinished(() => limited.settled());
  const names = Array.from({ length: 10 }, (_, index) => `web${index}`);
  const qemus = await Promise.all(names.map(silentGuest));
  const outcomes = await Promise.allSettled(names.map(async (name) => limited.start(requestFor(name))));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  const tooMany = '2 migrations are under way, and no more are allowed at once (maxConcurrentMigrations)';
  const refused = {
    reason: { code: 'too-many-migrations', message: tooMany },
  };
  expect(outcomes.slice(2)).toMatchObject(Array.from({ length: 8 }, () => refused));
  expect(limited.underway).toHaveLength(2);
  qemus[0]?.kill();
  await expect.poll(() => limited.underway.length).toBe(1);
  await limited.start(requestFor('web9'));
  await expect(limited.start(requestFor('web8'))).rejects.toMatchObject({ code: 'too-many-migrations' });
});

test('takes up what an earlier run had handed over, under its old name', async () => {
  const id = 'c0ffee00-0000-4000-8000-000000000000';
  const request = requestFor('web1');
  await host.writeJournal(id, [{ event: 'handed-over' }]);
  await silentGuest('web1');
  await migrations.takeUp([{ id, handOver: { request, wasRunning: true, postcopy: true, qemu: '1@1' } }]);
  expect(migrations.find(id).view).toMatchObject({ guest: 'web1', state: 'postcopy-paused' });
  await expect(migrations.start(request)).rejects.toMatchObject({ code: 'guest-busy' });
  expect(() => {
    migrations.find(id).cancel();
  }).toThrow(expect.objectContaining({ code: 'migration-state' }));
});
