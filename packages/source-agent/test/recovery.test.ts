import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { QmpClient, processIdentity } from '@pageferry/qemu';
import { beforeEach, describe, expect, test } from 'vitest';
import { recoverMigrations, type InterruptedMigration, type Recovery } from '../src/recovery.js';
import { FakeQemu } from './support/fake-qemu.js';
import { requestFor, sourceHost, type SourceHost } from './support/source-host.js';

// What an agent does, when it starts, with the journals that an earlier run has left.

const request = requestFor('web1');
const stopping = { event: 'stopping', postcopy: false };
const handedOver = { event: 'handed-over' };

let host: SourceHost;
let qemu: string;

/** The first entry of a migration of the guest web1. */
const started = (more: object = {}): object => ({
  event: 'started',
  request,
  wasRunning: true,
  qemu,
  ...more,
});

beforeEach(async () => {
  host = await sourceHost();
});

async function startQemu(options?: Parameters<typeof FakeQemu.listen>[1]): Promise<FakeQemu> {
  const fake = await FakeQemu.listen(host.socketOf('web1'), options);
  const qmp = await QmpClient.connect(host.socketOf('web1'));
  qemu = await processIdentity(qmp);
  qmp.close();
  fake.commands.splice(0);
  return fake;
}

const begin = async (agent = new AbortController()): Promise<Recovery> =>
  recoverMigrations(host.configuration, host.log, agent.signal);

async function recover(): Promise<readonly InterruptedMigration[]> {
  const { interrupted, settled } = await begin();
  await settled;
  return interrupted;
}

test('there is nothing to do without journals', async () => {
  expect(await recover()).toEqual([]);
});

test.each(['rolled-back', 'completed', 'failed'])('a migration that has %s is left alone', async (event) => {
  const fake = await startQemu();
  await host.writeJournal('one', [started(), stopping, { event }]);
  expect(await recover()).toEqual([]);
  expect(fake.commands).toEqual([]);
  expect(await host.events('one')).toEqual(['started', 'stopping', event]);
});

test('a guest that never stopped runs on', async () => {
  const fake = await startQemu({ running: true });
  await host.writeJournal('one', [started()]);
  expect(await recover()).toEqual([]);
  expect(fake.commands).toContain('migrate_cancel');
  expect(fake.commands).not.toContain('cont');
  expect(await host.events('one')).toEqual(['started', 'rolled-back']);
});

test('a guest that was stopped is run again, and only once', async () => {
  const fake = await startQemu();
  await host.writeJournal('one', [started(), stopping]);
  expect(await recover()).toEqual([]);
  expect(fake.running).toBe(true);
  expect(await host.events('one')).toEqual(['started', 'stopping', 'rolled-back']);
  fake.commands.splice(0);
  await recover();
  expect(fake.commands).toEqual([]);
});

test('a guest that its operator had stopped stays so', async () => {
  const fake = await startQemu();
  await host.writeJournal('one', [started({ wasRunning: false }), stopping]);
  await recover();
  expect(fake.running).toBe(false);
  expect(await host.events('one')).toContain('rolled-back');
});

test('a guest that someone else has stopped stays so', async () => {
  const fake = await startQemu();
  await host.writeJournal('one', [started()]);
  await recover();
  expect(fake.running).toBe(false);
  expect(await host.events('one')).toContain('rolled-back');
});

test('a QEMU that cannot run the guest yet is asked again', async () => {
  const fake = await startQemu({ refusals: 2 });
  await host.writeJournal('one', [started(), stopping]);
  await recover();
  expect(fake.running).toBe(true);
  expect(fake.commands.filter((command) => command === 'cont')).toHaveLength(3);
});

test.each([false, true])('a guest that was handed over is not touched; post-copy: %s', async (postcopy) => {
  const fake = await startQemu();
  await host.writeJournal('one', [started(), { event: 'stopping', postcopy }, handedOver]);
  expect(await recover()).toEqual([{ id: 'one', handOver: { request, wasRunning: true, postcopy, qemu } }]);
  expect(fake.commands).toEqual([]);
  expect(await host.events('one')).toEqual(['started', 'stopping', 'handed-over']);
});

test('a guest that was taken back is run here', async () => {
  const fake = await startQemu();
  await host.writeJournal('one', [started(), stopping, handedOver, { event: 'taken-back' }]);
  expect(await recover()).toEqual([]);
  expect(fake.running).toBe(true);
});

test('another QEMU at the same socket is left alone', async () => {
  const fake = await startQemu();
  await host.writeJournal('one', [started({ qemu: '1@1' }), stopping]);
  expect(await recover()).toEqual([]);
  expect(fake.commands).toEqual(['query-cpus-fast']);
  expect(fake.running).toBe(false);
  expect(host.warnings).toEqual(['another QEMU has the place of an interrupted migration: it is left alone']);
  expect(await host.events('one')).toContain('rolled-back');
});

test('a migration that did not get as far as its first entry is closed', async () => {
  await host.writeJournal('one', []);
  expect(await recover()).toEqual([]);
  expect(await host.events('one')).toEqual(['rolled-back']);
});

test('a guest whose QEMU is not there is looked for again by the next run, and does not hold up the others', async () => {
  const fake = await startQemu();
  await host.writeJournal('first', [{ ...started(), request: requestFor('gone') }, stopping]);
  await host.writeJournal('second', [started(), stopping]);
  expect(await recover()).toEqual([]);
  expect(host.warnings).toEqual(['the guest of an interrupted migration could not be looked after']);
  expect(await host.events('first')).toEqual(['started', 'stopping']);
  expect(fake.running).toBe(true);
  const late = await FakeQemu.listen(host.socketOf('gone'));
  await recover();
  expect(late.running).toBe(true);
  expect(await host.events('first')).toContain('rolled-back');
});

test('an entry that was cut off counts as not written', async () => {
  const fake = await startQemu();
  await host.writeJournal('one', [started(), stopping]);
  await appendFile(join(host.configuration.stateDirectory, 'one.journal'), '0badf00d {"event":"handed-o');
  expect(await recover()).toEqual([]);
  expect(fake.running).toBe(true);
});

test('a damaged journal leaves the guest to its operator: the hand-over may be in what is lost', async () => {
  const fake = await startQemu();
  await host.writeJournal('one', [started(), stopping]);
  await appendFile(join(host.configuration.stateDirectory, 'one.journal'), 'not a record\n00000000 {}\n');
  expect(await recover()).toEqual([]);
  expect(fake.commands).toEqual([]);
  expect(host.warnings).toEqual([expect.stringContaining('is damaged')]);
});

describe('a QEMU that answers nothing', () => {
  const silentMs = 20_000;

  test('is asked until it does: then its guest is run again', { timeout: silentMs }, async () => {
    const fake = await startQemu();
    await host.writeJournal('one', [started(), stopping]);
    fake.silent = true;
    const { settled } = await begin();
    expect(fake.running).toBe(false);
    expect(await host.events('one')).toEqual(['started', 'stopping']);
    fake.silent = false;
    await settled;
    expect(fake.running).toBe(true);
    expect(await host.events('one')).toContain('rolled-back');
  });

  test('does not hold up the others', { timeout: silentMs }, async () => {
    const other = await startQemu();
    const hung = await FakeQemu.listen(host.socketOf('hung'), { silent: true });
    await host.writeJournal('first', [{ ...started(), request: requestFor('hung') }, stopping]);
    await host.writeJournal('second', [started(), stopping]);
    const recovery = begin();
    await expect.poll(() => other.running, { timeout: silentMs }).toBe(true);
    expect(host.warnings).toEqual([]);
    hung.silent = false;
    const { settled } = await recovery;
    await settled;
    expect(hung.running).toBe(true);
  });

  test("is left to the agent's next run if the agent ends before", { timeout: silentMs }, async () => {
    const fake = await startQemu();
    await host.writeJournal('one', [started(), stopping]);
    fake.silent = true;
    const agent = new AbortController();
    const { settled } = await begin(agent);
    agent.abort(new Error('the agent ends'));
    await settled;
    fake.silent = false;
    await recover();
    expect(fake.running).toBe(true);
  });
});
