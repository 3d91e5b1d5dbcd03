import { describe, expect, it, onTestFinished } from 'vitest';
import { imageDigest, listDisks, type Disk } from '../../src/block/disks.js';
import type { QmpClient } from '../../src/qmp/qmp-client.js';
import { answeringQemu } from '../support/answering-qemu.js';
import { BareQemu, FIRMWARE } from '../support/bare-qemu.js';
import { qemuImg, testFolder } from '../support/disk-images.js';
import { expectError } from '../support/expect-error.js';

const MIB = 1 << 20;

/** A QEMU that answers `query-block` like this. */
const connectTo = async (disks: unknown): Promise<QmpClient> => answeringQemu(() => disks);

/** The images of a test's machine, in a folder of their own. */
async function createImages(): Promise<string> {
  const folder = await testFolder();
  for (const name of ['a', 'c', 'd', 'medium']) {
    await qemuImg('create', '-q', '-f', 'raw', `${folder}/${name}.raw`, '8M');
  }
  await qemuImg('create', '-q', '-f', 'qcow2', `${folder}/base.qcow2`, '64M');
  await qemuImg(
    ...['create', '-q', '-f', 'qcow2', '-b', `${folder}/base.qcow2`, '-F', 'qcow2', `${folder}/b.qcow2`],
  );
  return folder;
}

/** A QEMU with disks of many kinds, and drives that are no disks. */
async function startQemu(folder: string, ...args: readonly string[]): Promise<BareQemu> {
  const part = `driver=raw,node-name=d,offset=512,size=${MIB},read-only=on`;
  const qemu = await BareQemu.start(
    ...['-machine', 'q35', '-m', '64', ...FIRMWARE.ovmf],
    ...['-drive', `file=${folder}/a.raw,format=raw,if=virtio`],
    ...['-blockdev', `driver=qcow2,node-name=b,file.driver=file,file.filename=${folder}/b.qcow2`],
    ...['-device', 'virtio-scsi-pci', '-device', 'scsi-hd,drive=b,id=system'],
    ...['-drive', `file=${folder}/c.raw,format=raw,readonly=on,if=none,id=c`],
    ...['-device', 'virtio-blk-pci,drive=c,id=data'],
    ...['-blockdev', `${part},file.driver=file,file.filename=${folder}/d.raw`],
    ...['-device', 'virtio-blk-pci,drive=d'],
    ...['-drive', `file=${folder}/medium.raw,format=raw,media=cdrom,readonly=on`, '-device', 'ide-cd'],
    ...args,
  );
  onTestFinished(() => qemu.kill());
  return qemu;
}

/** In QEMU's order: drives with an interface come after all devices. */
const disksIn = (folder: string, ownName: string): Disk[] => [
  {
    name: '/machine/peripheral-anon/device[3]/virtio-backend',
    format: 'raw',
    filename: `${folder}/a.raw`,
    size: 8 * MIB,
    readOnly: false,
  },
  {
    name: '/machine/peripheral/data/virtio-backend',
    format: 'raw',
    filename: `${folder}/c.raw`,
    size: 8 * MIB,
    readOnly: true,
  },
  { name: 'system', format: 'qcow2', filename: `${folder}/b.qcow2`, size: 64 * MIB, readOnly: false },
  {
    name: '/machine/peripheral-anon/device[1]/virtio-backend',
    format: 'raw',
    filename: ownName,
    size: MIB,
    readOnly: true,
  },
];

describe('listDisks', () => {
  it('lists the disks of a guest, and of a QEMU that waits for it, by the same names', async () => {
    const folder = await createImages();
    const source = await startQemu(folder, '-S');
    const disks = await listDisks(source.qmp);
    const ownName = disks.at(-1)?.filename ?? '';
    expect(ownName).toMatch(/^json:\{.*"offset": 512.*d\.raw/);
    expect(disks).toEqual(disksIn(folder, ownName));
    const destination = await startQemu(folder, '-incoming', 'defer');
    expect(await listDisks(destination.qmp)).toEqual(disks);
  });

  it('lists none where there are none', async () => {
    const qemu = await BareQemu.start('-machine', 'none');
    onTestFinished(() => qemu.kill());
    expect(await listDisks(qemu.qmp)).toEqual([]);
  });

  it('takes the name of the backend, or of the node, where there is no device', async () => {
    const image = { filename: '/a', 'virtual-size': 512 };
    const inserted = { drv: 'raw', ro: false, image };
    const qmp = await connectTo([
      { device: 'drive0', removable: false, inserted },
      { device: '', removable: false, inserted: { ...inserted, 'node-name': 'node0' } },
      { device: '', qdev: 'disk0', removable: false, inserted: { ...inserted, 'node-name': 'node1' } },
    ]);
    expect((await listDisks(qmp)).map(({ name }) => name)).toEqual(['drive0', 'node0', 'disk0']);
  });

  it('refuses answers that it does not understand', async () => {
    const image = { filename: '/a', 'virtual-size': 512 };
    const disk = { device: 'a', removable: false, inserted: { drv: 'raw', ro: false, image } };
    await expectError(listDisks(await connectTo([disk, disk])), 'qemu-unexpected', 'two disks are a');
    const huge = { ...disk, inserted: { ...disk.inserted, image: { ...image, 'virtual-size': 2 ** 60 } } };
    await expectError(listDisks(await connectTo([huge])), 'qemu-unexpected', 'query-block', 'virtual-size');
    await expectError(listDisks(await connectTo({})), 'qemu-unexpected', 'query-block');
  });
});

it('tells images by their names and formats, without saying them', () => {
  const image = { format: 'raw', filename: 'nbd://10.0.0.3:10809/secret' };
  expect(imageDigest(image)).toMatch(/^[0-9a-f]{64}$/);
  expect(imageDigest({ ...image })).toBe(imageDigest(image));
  expect(imageDigest({ ...image, format: 'qcow2' })).not.toBe(imageDigest(image));
  expect(imageDigest({ ...image, filename: 'nbd://10.0.0.3:10809/other' })).not.toBe(imageDigest(image));
});
