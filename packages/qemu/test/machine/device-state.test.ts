import { spawnSync } from 'node:child_process';
import { access, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseDeviceState, saveDeviceState } from '../../src/machine/device-state.js';
import { continueGuest, runState, stopGuest } from '../../src/machine/guest-control.js';
import { BareQemu } from '../support/bare-qemu.js';
import { expectError, expectThrown } from '../support/expect-error.js';

describe('saveDeviceState', () => {
  let qemu: BareQemu | undefined;
  afterEach(async () => {
    await qemu?.kill();
  });

  it.each(['pc', 'q35'])('takes the devices of a stopped %s, which then runs on', async (machine) => {
    qemu = await BareQemu.start('-machine', machine, '-m', '64', '-vga', 'std', '-smp', '2');
    const { qmp, folder } = qemu;
    const path = join(folder, 'devices');
    await stopGuest(qmp);

    const sections = await saveDeviceState(qmp, path);

    // A full section: its type, its number, the length of its name (here 10), the name.
    expect(sections[0]).toBe(4);
    expect(sections.includes('globalstate')).toBe(true);
    expect(sections.includes('\ncpu_common')).toBe(true);
    expect(sections.length).toBeGreaterThan(5_000);
    expect(sections.length).toBeLessThan(1_000_000);
    await expect(access(path)).rejects.toThrow('ENOENT');
    await continueGuest(qmp);
    expect(await runState(qmp)).toEqual({ status: 'running', running: true });
  });

  it('releases the lock of the disk image, and cont takes it back', async () => {
    qemu = await BareQemu.start('-machine', 'pc', '-m', '64', '-S');
    const { qmp, folder } = qemu;
    const image = join(folder, 'disk.raw');
    await writeFile(image, '');
    await truncate(image, 1 << 20);
    await qmp.execute('blockdev-add', {
      driver: 'raw',
      'node-name': 'disk',
      file: { driver: 'file', filename: image },
    });
    await qmp.execute('device_add', { driver: 'virtio-blk-pci', drive: 'disk', id: 'vd' });
    const locked = (): boolean =>
      spawnSync('qemu-io', ['-f', 'raw', '-c', 'read 0 512', image], { encoding: 'utf8' }).status !== 0;

    await continueGuest(qmp);
    expect(locked()).toBe(true);
    await stopGuest(qmp);
    await saveDeviceState(qmp, join(folder, 'devices'));
    expect(locked()).toBe(false);
    await continueGuest(qmp);
    expect(locked()).toBe(true);
  });

  it('refuses a guest that runs, and does not touch it', async () => {
    qemu = await BareQemu.start('-machine', 'pc', '-m', '64');
    const { qmp, folder } = qemu;
    await expectError(saveDeviceState(qmp, join(folder, 'devices')), 'guest-state', 'must be stopped');
    expect((await runState(qmp)).running).toBe(true);
  });

  it('says so when QEMU cannot write the file', async () => {
    qemu = await BareQemu.start('-machine', 'pc', '-m', '64', '-S');
    await expectError(
      saveDeviceState(qemu.qmp, '/nonexistent/devices'),
      'qmp-command',
      '/nonexistent/devices',
    );
  });

  it('leaves nothing behind when cancelled', async () => {
    qemu = await BareQemu.start('-machine', 'pc', '-m', '64', '-S');
    const path = join(qemu.folder, 'devices');
    await expectError(saveDeviceState(qemu.qmp, path, { signal: AbortSignal.abort() }), 'cancelled');
    await expect(access(path)).rejects.toThrow('ENOENT');
  });
});

describe('parseDeviceState', () => {
  const good = Buffer.from('QEVM\0\0\0\x03\x04sections\0', 'latin1');

  it('takes off the header and the end', () => {
    expect(parseDeviceState(good).toString('latin1')).toBe('\x04sections');
  });

  it.each([
    ['nothing', ''],
    ['a header only', 'QEVM\0\0\0\x03'],
    ['no section', 'QEVM\0\0\0\x03\0'],
    ['another magic', 'QEMU\0\0\0\x03\x04sections\0'],
    ['another version', 'QEVM\0\0\0\x02\x04sections\0'],
    ['another section first', 'QEVM\0\0\0\x03\x01sections\0'],
    ['a file that was cut off', 'QEVM\0\0\0\x03\x04sect'],
  ])('refuses %s', (_what, text) => {
    expectThrown(() => parseDeviceState(Buffer.from(text, 'latin1')), 'device-state');
  });
});
