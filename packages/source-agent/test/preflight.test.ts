import { randomUUID } from 'node:crypto';
import { Journal } from '@pageferry/daemon';
import type { ControlOf } from '@pageferry/wire';
import { describe, expect, onTestFinished, test } from 'vitest';
import { OutgoingMigrations } from '../src/outgoing-migrations.js';
import type { DryRun } from '../src/preflight.js';
import type { MigrationRequest } from '../src/request.js';
import { FakeDestination, welcome } from './support/fake-destination.js';
import { FakeQemu } from './support/fake-qemu.js';
import { RunningQemu } from './support/running-qemu.js';
import { requestFor, sourceHost, type SourceHost } from './support/source-host.js';

const timeoutMs = 10_000;

async function startMigrations(): Promise<{ host: SourceHost; migrations: OutgoingMigrations }> {
  const host = await sourceHost();
  const agent = new AbortController();
  const migrations = new OutgoingMigrations(host.configuration, host.log, agent.signal);
  onTestFinished(() => {
    agent.abort(new Error('the test is over'));
  });
  return { host, migrations };
}

test('a dry run shows both sides and what the destination finds, and leaves the guest and the disk as they are', async () => {
  const { host, migrations } = await startMigrations();
  const qemu = await RunningQemu.start(host.socketOf('web1'));
  const findings = ['The number of vCPUs differs.'];
  const { url } = await FakeDestination.listen(async (peer) => {
    await peer.send(welcome);
    const { guest, mode, machine } = await peer.next(['examine'], { timeoutMs });
    expect([guest, mode]).toEqual(['there', 'hybrid']);
    await peer.send({ type: 'examined', findings, machine });
  });
  const found = await migrations.examine(requestFor('web1', { destination: { url, guest: 'there' } }));
  expect(found).toMatchObject({ fits: false, findings, source: { vcpus: 1, runState: 'running' } });
  expect(found.destination).toEqual(found.source);
  expect(await qemu.isRunning()).toBe(true);
  expect(migrations.views).toEqual([]);
  expect(await Journal.readAll(host.configuration.stateDirectory)).toEqual([]);
  expect(await migrations.guests()).toMatchObject([{ name: 'web1', migratable: true, status: 'running' }]);
});

describe('disks that page cache may come from', () => {
  const compared = { sameImage: true, equal: 0, different: 0, unreadable: 0 };

  /** What a dry run says of them, and what the destination was asked. */
  async function examineDisks(
    more: Partial<MigrationRequest>,
    answer: Pick<ControlOf<'examined'>, 'disks'>,
  ): Promise<{ storage: DryRun['storage']; asked: ControlOf<'examine'>['disks'] }> {
    const { host, migrations } = await startMigrations();
    await RunningQemu.start(host.socketOf('web1'));
    let asked: ControlOf<'examine'>['disks'];
    const { url } = await FakeDestination.listen(async (peer) => {
      await peer.send(welcome);
      const { machine, disks } = await peer.next(['examine'], { timeoutMs });
      asked = disks;
      await peer.send({ type: 'examined', findings: [], machine, ...answer });
    });
    const { storage } = await migrations.examine(requestFor('web1', { destination: { url }, ...more }));
    return { storage, asked };
  }

  test('are not asked for by a guest that has none', async () => {
    const { storage, asked } = await examineDisks({}, { disks: [] });
    expect(asked).toEqual([]);
    const noLinux: unknown = expect.stringContaining('Linux');
    expect(storage).toMatchObject({ disks: [], reason: noLinux });
  });

  test('are none that the destination does not read', async () => {
    const { storage } = await examineDisks({}, {});
    const isOff: unknown = expect.stringContaining('"storage"');
    expect(storage).toMatchObject({ disks: [], reason: isOff });
  });

  test('are not compared by a destination that was not asked', async () => {
    await expect(examineDisks({}, { disks: [compared] })).rejects.toMatchObject({
      code: 'protocol-violation',
    });
  });

  test('are left alone where the request says so', async () => {
    const { storage, asked } = await examineDisks({ storage: 'off' }, {});
    expect(asked).toBeUndefined();
    expect(storage).toBeNull();
  });
});

test('a dry run says which host is in the way', async () => {
  const { host, migrations } = await startMigrations();
  await RunningQemu.start(host.socketOf('web1'));
  const { url } = await FakeDestination.listen(async (peer) => {
    await peer.send(welcome);
    await peer.next(['examine'], { timeoutMs });
    await peer.send({ type: 'failed', error: { code: 'qmp-unreachable', message: 'no QEMU' } });
  });
  await expect(migrations.examine(requestFor('web1', { destination: { url } }))).rejects.toMatchObject({
    code: 'qmp-unreachable',
    host: 'destination',
  });
  await expect(migrations.examine(requestFor(randomUUID()))).rejects.toMatchObject({
    code: 'guest-not-found',
  });
});

test('guests that are being migrated are not asked, and those that do not answer are named', async () => {
  const { host, migrations } = await startMigrations();
  await FakeQemu.listen(host.socketOf('busy'), { silent: true });
  await FakeQemu.listen(host.socketOf('strange'));
  const { id } = await migrations.start(requestFor('busy'));
  expect(await migrations.guests()).toMatchObject([
    { name: 'busy', migratable: false, reasons: [`the guest "busy" is being migrated: ${id}`] },
    { name: 'strange', migratable: false, status: null, reasons: [expect.any(String)] },
  ]);
});
