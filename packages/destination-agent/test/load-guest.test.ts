import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { describeMachine } from '../../qemu/src/machine/describe-machine.js';
import { BareQemu } from '../../qemu/test/support/bare-qemu.js';
import { FakeDriver } from './support/fake-driver.js';
import { helloOf, next, startDestination } from './support/source-side.js';

test('a source that dies before the device state is whole ends the migration, and leaves no QEMU', async () => {
  const args = ['-m', '32', '-incoming', 'defer', '-qmp', 'unix:FOLDER/second,server=on,wait=off'];
  const qemu = await BareQemu.start(...args);
  onTestFinished(() => qemu.kill());
  const driver = new FakeDriver(() => `${qemu.folder}/second`);
  const destination = await startDestination(undefined, {}, { driver });
  const machine = { ...(await describeMachine(qemu.qmp)), runState: 'running' };
  const peer = await destination.connect();
  await peer.send(helloOf(randomUUID()));
  await peer.next(['welcome'], next);
  await peer.send({ type: 'prepare', guest: 'web1', mode: 'precopy', machine });
  await peer.next(['prepared'], next);

  await peer.send({ type: 'device-state', bytes: 1000, postcopy: false });
  peer.close();
  await expect.poll(() => destination.migrations.underway).toEqual([]);
  expect(driver.calls).toEqual(['provide web1', 'release web1']);
});
