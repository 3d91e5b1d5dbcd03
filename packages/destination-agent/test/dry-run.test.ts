import { randomUUID } from 'node:crypto';
import { Journal } from '@pageferry/daemon';
import { expect, onTestFinished, test } from 'vitest';
import { describeMachine, type MachineDescription } from '../../qemu/src/machine/describe-machine.js';
import { BareQemu } from '../../qemu/test/support/bare-qemu.js';
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

test('a dry run of a guest that nobody waits for says so', async () => {
  const destination = await startDestination();
  await expect(examine(destination, {})).rejects.toMatchObject({
    host: 'destination',
    code: 'protocol-violation',
  });
  await expect.poll(() => destination.migrations.views).toEqual([]);
});
