import { randomUUID } from 'node:crypto';
import { Journal } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import { expect, onTestFinished, test } from 'vitest';
import { describeMachine, type MachineDescription } from '../../qemu/src/machine/describe-machine.js';
import { BareQemu } from '../../qemu/test/support/bare-qemu.js';
import { FakeDriver } from './support/fake-driver.js';
import { anyMachine } from './support/machine.js';
import { helloOf, next, startDestination, type Destination } from './support/source-side.js';

/** What the destination answers to a dry run of the guest web1. */
async function examine(destination: Destination, machine: unknown): Promise<unknown> {
  const peer = await destination.connect();
  await peer.send(helloOf(randomUUID()));
  await peer.next(['welcome'], next);
  await peer.send({ type: 'examine', guest: 'web1', mode: 'hybrid', machine });
  const answer = await peer.next(['examined'], next);
  await peer.closed;
  return answer;
}

/** As the source of a guest that fits would describe itself. */
const sourceOf = (machine: MachineDescription): MachineDescription => ({ ...machine, runState: 'running' });

test('a dry run says what does not fit, and leaves nothing behind, in QEMU either', async () => {
  const destination = await startDestination();
  const { configuration, migrations } = destination;
  const socket = `${configuration.guestDirectory}/web1.sock`;
  const args = ['-m', '32', '-incoming', 'defer', '-qmp', `unix:${socket},server=on,wait=off`];
  const qemu = await BareQemu.start(...args);
  onTestFinished(() => qemu.kill());
  const before = await describeMachine(qemu.qmp);

  expect(await examine(destination, sourceOf(before))).toEqual({
    type: 'examined',
    findings: [],
    machine: before,
  });
  expect(await examine(destination, { ...sourceOf(before), vcpus: 7 })).toMatchObject({
    findings: [expect.stringContaining('number of vCPUs')],
  });

  expect(await describeMachine(qemu.qmp)).toEqual(before);
  await expect.poll(() => migrations.views).toEqual([]);
  expect(await Journal.readAll(configuration.stateDirectory)).toEqual([]);
});

test('a QEMU that was started for a dry run is released', async () => {
  const args = ['-m', '32', '-incoming', 'defer', '-qmp', 'unix:FOLDER/second,server=on,wait=off'];
  const qemu = await BareQemu.start(...args);
  onTestFinished(() => qemu.kill());
  const driver = new FakeDriver(() => `${qemu.folder}/second`);
  const destination = await startDestination(undefined, {}, { driver });
  const source = sourceOf(await describeMachine(qemu.qmp));

  expect(await examine(destination, source)).toMatchObject({ findings: [] });
  expect(driver.calls).toEqual(['provide web1', 'release web1']);
  expect(await examine(destination, { ...source, vcpus: 7 })).toMatchObject({
    findings: [expect.anything()],
  });
  expect(driver.calls.slice(2)).toEqual(['provide web1', 'release web1']);
  await expect.poll(() => Journal.readAll(destination.configuration.stateDirectory)).toEqual([]);
});

test('dry runs that start QEMUs are no more at once than migrations may be', async () => {
  const driver = new FakeDriver(() => undefined);
  const refusal = new PageferryError('driver-failed', 'nothing starts web1');
  let refuse = (): void => undefined;
  const provided = new Promise<never>((_resolve, reject) => {
    refuse = () => {
      reject(refusal);
    };
  });
  driver.provide = async (guest) => {
    driver.calls.push(`provide ${guest}`);
    return provided;
  };
  const destination = await startDestination(undefined, { maxConcurrentMigrations: 1 }, { driver });
  const first = examine(destination, sourceOf(anyMachine)).catch((error: unknown) => error);
  await expect.poll(() => driver.calls).toEqual(['provide web1']);
  await expect(examine(destination, sourceOf(anyMachine))).rejects.toMatchObject({
    code: 'too-many-migrations',
  });
  refuse();
  expect(await first).toMatchObject({ code: 'driver-failed', host: 'destination' });
});

test('a dry run of a guest that nobody waits for says so', async () => {
  const destination = await startDestination();
  await expect(examine(destination, {})).rejects.toMatchObject({
    host: 'destination',
    code: 'protocol-violation',
  });
  await expect.poll(() => destination.migrations.views).toEqual([]);
});
