import { randomUUID } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { Journal } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import { imageDigest } from '@pageferry/qemu';
import { PAGE_SIZE, openHash } from '@pageferry/transfer';
import { BLOCK_HASH_SEED, type SampledDisk } from '@pageferry/wire';
import { describe, expect, onTestFinished, test } from 'vitest';
import { describeMachine, type MachineDescription } from '../../qemu/src/machine/describe-machine.js';
import { BareQemu } from '../../qemu/test/support/bare-qemu.js';
import { createImage, qemuImg, testFolder, type TestImage } from '../../qemu/test/support/disk-images.js';
import { FakeDriver } from './support/fake-driver.js';
import { anyMachine } from './support/machine.js';
import { helloOf, next, startDestination, type Destination } from './support/source-side.js';

/** What the destination answers to a dry run of the guest web1. */
async function examine(destination: Destination, machine: unknown, disks?: SampledDisk[]): Promise<unknown> {
  const peer = await destination.connect();
  await peer.send(helloOf(randomUUID()));
  await peer.next(['welcome'], next);
  await peer.send({ type: 'examine', guest: 'web1', mode: 'hybrid', machine, ...(disks && { disks }) });
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

describe('a dry run compares disks', () => {
  const bytes = 4 << 20;

  /** A waiting QEMU with a disk, and what it is to be compared with. */
  async function startWithDisk(more: Parameters<typeof startDestination>[1] = {}): Promise<{
    image: TestImage;
    compare: (disks: SampledDisk[]) => Promise<unknown>;
  }> {
    const destination = await startDestination(undefined, more);
    const { configuration, migrations } = destination;
    const folder = await testFolder();
    const image = await createImage(`${folder}/disk.qcow2`, 'qcow2', { bytes });
    const socket = `${configuration.guestDirectory}/web1.sock`;
    const drive = `if=none,id=disk,format=qcow2,file=${image.filename}`;
    const qemu = await BareQemu.start(
      ...['-m', '32', '-incoming', 'defer', '-qmp', `unix:${socket},server=on,wait=off`],
      ...['-drive', drive, '-device', 'virtio-blk-pci,drive=disk,id=system'],
    );
    onTestFinished(() => qemu.kill());
    const machine = sourceOf(await describeMachine(qemu.qmp));
    const compare = async (disks: SampledDisk[]): Promise<unknown> => {
      const answer = await examine(destination, machine, disks);
      // Nothing is left of what was read.
      await expect.poll(() => migrations.views).toEqual([]);
      return answer;
    };
    return { image, compare };
  }

  /** Samples of a disk that has what an image has, as far as it is not changed. */
  async function samplesOf(
    content: Buffer,
    offsets: readonly number[],
    change: (page: Buffer, sample: number) => void = () => undefined,
  ): Promise<SampledDisk['samples']> {
    const hash = await openHash(BLOCK_HASH_SEED);
    return offsets.map((offset, number) => {
      const page = Buffer.from(content.subarray(offset, offset + PAGE_SIZE));
      change(page, number);
      return { offset, hash: hash(page).toString(16).padStart(16, '0') };
    });
  }

  test('by their lengths, by their images, and by what is in them', async () => {
    const { image, compare } = await startWithDisk();
    const name = 'vda';
    const offsets = [0, 512, 1 << 20];
    const same = await samplesOf(image.content, offsets);
    const changed = await samplesOf(image.content, offsets, (page, number) => {
      if (number > 0) page[0] = (page[0] ?? 0) ^ 1;
    });
    const beyond = await samplesOf(image.content, [0]);
    expect(
      await compare([
        { name, bytes, image: imageDigest(image), samples: same },
        { name, bytes, samples: changed },
        { name, bytes, samples: [...beyond, { offset: bytes, hash: '0'.repeat(16) }] },
        { name, bytes, samples: [] },
        { name, bytes: bytes + 512, samples: same },
      ]),
    ).toMatchObject({
      findings: [],
      disks: [
        {
          there: '/machine/peripheral/system/virtio-backend',
          sameImage: true,
          equal: 3,
          different: 0,
          unreadable: 0,
        },
        {
          there: '/machine/peripheral/system/virtio-backend',
          sameImage: false,
          equal: 1,
          different: 2,
          unreadable: 0,
        },
        {
          there: '/machine/peripheral/system/virtio-backend',
          sameImage: false,
          equal: 1,
          different: 0,
          unreadable: 1,
        },
        {
          there: '/machine/peripheral/system/virtio-backend',
          sameImage: false,
          equal: 0,
          different: 0,
          unreadable: 0,
        },
        { sameImage: false, equal: 0, different: 0, unreadable: 0 },
      ],
    });
  });

  test('that cannot be read are said to be so', async () => {
    const { image, compare } = await startWithDisk();
    const samples = await samplesOf(image.content, [0]);
    // QEMU has it open; whoever opens it now finds something else.
    await qemuImg('create', '-q', '-f', 'raw', `${image.filename}.new`, String(bytes));
    await rename(`${image.filename}.new`, image.filename);
    expect(await compare([{ name: 'vda', bytes, samples }])).toMatchObject({
      disks: [{ there: '/machine/peripheral/system/virtio-backend', equal: 0, different: 0, unreadable: 1 }],
    });
  });

  test('only if this host reads any', async () => {
    const { compare } = await startWithDisk({ storage: false });
    const answer = await compare([{ name: 'vda', bytes, samples: [] }]);
    expect(answer).toMatchObject({ type: 'examined', findings: [] });
    expect(answer).not.toHaveProperty('disks');
  });
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
