import { randomUUID } from 'node:crypto';
import { Journal } from '@pageferry/daemon';
import { expect, onTestFinished, test } from 'vitest';
import { describeMachine } from '../../qemu/src/machine/describe-machine.js';
import { BareQemu } from '../../qemu/test/support/bare-qemu.js';
import { FakeDriver } from './support/fake-driver.js';
import { anyMachine } from './support/machine.js';
import { helloOf, next, startDestination, type Destination } from './support/source-side.js';

async function prepare(destination: Destination, machine: unknown): Promise<unknown> {
  const peer = await destination.connect();
  await peer.send(helloOf(randomUUID()));
  await peer.next(['welcome'], next);
  await peer.send({ type: 'prepare', guest: 'web1', mode: 'precopy', machine });
  return peer.next(['prepared'], next);
}

test('a QEMU that was started for a guest that does not fit, or does not come, is released', async () => {
  const args = ['-m', '32', '-incoming', 'defer', '-qmp', 'unix:FOLDER/second,server=on,wait=off'];
  const qemu = await BareQemu.start(...args);
  onTestFinished(() => qemu.kill());
  const driver = new FakeDriver(() => `${qemu.folder}/second`);
  const destination = await startDestination(undefined, {}, { driver });
  const machine = { ...(await describeMachine(qemu.qmp)), runState: 'running' };

  await expect(prepare(destination, { ...machine, vcpus: 7 })).rejects.toMatchObject({
    code: 'preflight-failed',
  });
  expect(driver.calls).toEqual(['provide web1', 'release web1']);

  const peer = await destination.connect();
  const id = randomUUID();
  await peer.send(helloOf(id));
  await peer.next(['welcome'], next);
  await peer.send({ type: 'prepare', guest: 'web1', mode: 'precopy', machine });
  await peer.next(['prepared'], next);
  peer.close();
  await expect.poll(() => destination.migrations.underway).toEqual([]);
  expect(driver.calls.slice(2)).toEqual(['provide web1', 'release web1']);
  const journals = await Journal.readAll(destination.configuration.stateDirectory);
  expect(journals.find((journal) => journal.id === id)?.records[0]).toEqual({
    event: 'starting',
    guest: 'web1',
    mode: 'precopy',
  });
});

test('a QEMU that cannot be started is the reason for which a migration fails', async () => {
  const driver = new FakeDriver(() => undefined);
  const destination = await startDestination(undefined, {}, { driver });
  await expect(prepare(destination, anyMachine)).rejects.toMatchObject({
    code: 'driver-failed',
    host: 'destination',
    message: 'nothing starts web1',
  });
});
