import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { SystemdDriver } from '../../src/drivers/systemd-driver.js';
import { destinationHost, type DestinationHost } from '../support/destination-host.js';
import { FakeSystemctl } from '../support/fake-systemctl.js';

const unit = 'qemu-guest@web1.service';
const textWith = (pattern: RegExp): unknown => expect.stringMatching(pattern);
const never = new AbortController().signal;

let host: DestinationHost;
let systemd: FakeSystemctl;
let driver: SystemdDriver;
let marker = '';

beforeEach(async () => {
  host = await destinationHost();
  systemd = await FakeSystemctl.install();
  const { guestDirectory } = host.configuration;
  marker = join(guestDirectory, 'web1.incoming');
  driver = new SystemdDriver({ guestDirectory, startSeconds: 60, log: host.log });
});

/** What starts takes the marker, as start-guest does, and has a QEMU answer where there is one. */
async function unitThatStarts({ qemu = true, takesMarker = true } = {}): Promise<void> {
  // The QEMU of the test listens already, but has no name yet.
  if (qemu) await host.startQemu('hidden', { status: 'inmigrate' });
  await systemd.on(
    'start',
    [
      takesMarker ? `rm ${marker}` : '',
      systemd.shows({ ActiveState: 'active', InvocationID: 'ours' }),
      qemu ? `mv ${host.socketOf('hidden')} ${host.socketOf('web1')}` : '',
    ].join('\n'),
  );
  await systemd.on('stop', systemd.shows({ ActiveState: 'inactive', InvocationID: 'ours' }));
}

describe('a unit that is not active', () => {
  test('is started to wait, and ended when the guest does not come', async () => {
    await unitThatStarts();
    const qemu = await driver.provide('web1', never);
    expect(qemu.socket).toBe(host.socketOf('web1'));
    expect(existsSync(marker)).toBe(false);
    expect(await systemd.calls()).toEqual([`start ${unit}`]);
    expect(await qemu.release()).toBe(true);
    expect(await systemd.calls()).toEqual([`start ${unit}`, `stop ${unit}`]);
  });

  test('is not ended when it has been started once more since', async () => {
    await unitThatStarts();
    const qemu = await driver.provide('web1', never);
    await systemd.show({ ActiveState: 'active', InvocationID: 'of someone else' });
    expect(await qemu.release()).toBe(true);
    expect(await systemd.calls()).toEqual([`start ${unit}`]);
  });

  test('is started once, for the first of two who want it', async () => {
    await unitThatStarts();
    const [first, second] = await Promise.allSettled([
      driver.provide('web1', never),
      driver.provide('web1', never),
    ]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'guest-busy' } });
    expect(await systemd.calls()).toEqual([`start ${unit}`]);
  });

  test('that may not be started leaves no marker behind', async () => {
    await systemd.on('start', 'echo "Failed to start: Access denied" >&2; exit 4');
    await expect(driver.provide('web1', never)).rejects.toMatchObject({
      code: 'driver-failed',
      message: `systemctl start ${unit}: Failed to start: Access denied`,
    });
    expect(existsSync(marker)).toBe(false);
  });

  test('is ended when it has begun all the same, though systemctl has failed', async () => {
    const begun = systemd.shows({ ActiveState: 'active', InvocationID: 'ours' });
    await systemd.on('start', `rm ${marker}\n${begun}\necho "Connection reset by peer" >&2; exit 1`);
    await systemd.on('stop', systemd.shows({ ActiveState: 'inactive', InvocationID: 'ours' }));
    await expect(driver.provide('web1', never)).rejects.toMatchObject({
      message: textWith(/Connection reset by peer/),
    });
    expect(await systemd.calls()).toEqual([`start ${unit}`, `stop ${unit}`]);
  });

  test('that has no configuration is no guest of this host', async () => {
    await systemd.on('start', `echo "Assertion failed on job for ${unit}." >&2; exit 1`);
    await expect(driver.provide('web1', never)).rejects.toMatchObject({
      code: 'guest-not-found',
      message: textWith(/\/etc\/pageferry\/guests\/web1\.conf/),
    });
    expect(existsSync(marker)).toBe(false);
  });

  test('that ends before QEMU answers says where to look, and is not left as failed', async () => {
    const failed = { ActiveState: 'failed', Result: 'exit-code', InvocationID: 'ours' };
    await systemd.on('start', `rm ${marker}\n${systemd.shows(failed)}`);
    await expect(driver.provide('web1', never)).rejects.toMatchObject({
      code: 'driver-failed',
      message: textWith(/result exit-code.* journalctl -u qemu-guest@web1\.service/),
    });
    expect(await systemd.calls()).toEqual([`start ${unit}`, `stop ${unit}`, `reset-failed ${unit}`]);
  });

  test('that ends while it is being started says the same', async () => {
    const failed = { ActiveState: 'failed', Result: 'exit-code', InvocationID: 'ours' };
    const said = `Job for ${unit} failed because the control process exited with error code.`;
    await systemd.on('start', `rm ${marker}\n${systemd.shows(failed)}\necho "${said}" >&2; exit 1`);
    await expect(driver.provide('web1', never)).rejects.toMatchObject({
      code: 'driver-failed',
      message: textWith(/result exit-code.* journalctl -u qemu-guest@web1\.service/),
    });
    expect(await systemd.calls()).toEqual([`start ${unit}`, `stop ${unit}`, `reset-failed ${unit}`]);
  });

  test('is ended when the wait for its QEMU is cancelled', async () => {
    await unitThatStarts({ qemu: false });
    const cancelled = new AbortController();
    const provided = driver.provide('web1', cancelled.signal);
    await expect.poll(() => systemd.calls()).toEqual([`start ${unit}`]);
    cancelled.abort(new Error('enough'));
    await expect(provided).rejects.toThrow('enough');
    expect(await systemd.calls()).toEqual([`start ${unit}`, `stop ${unit}`]);
  });

  test('is ended when its QEMU takes longer than it may', async () => {
    await unitThatStarts({ qemu: false });
    const { guestDirectory } = host.configuration;
    const hasty = new SystemdDriver({ guestDirectory, startSeconds: 0.5, log: host.log });
    await expect(hasty.provide('web1', never)).rejects.toMatchObject({
      code: 'driver-failed',
      message: textWith(/within 0\.5 s .*\(qemuStartSeconds\): journalctl -u qemu-guest@web1\.service/),
    });
    expect(await systemd.calls()).toEqual([`start ${unit}`, `stop ${unit}`]);
  });

  test('that someone else has booted meanwhile is left alone', async () => {
    await unitThatStarts({ takesMarker: false });
    await expect(driver.provide('web1', never)).rejects.toMatchObject({ code: 'guest-busy' });
    expect(await systemd.calls()).toEqual([`start ${unit}`]);
    expect(existsSync(marker)).toBe(false);
  });

  test('that may yet look for its marker finds it: it must not boot the guest', async () => {
    await unitThatStarts({ qemu: false, takesMarker: false });
    const cancelled = new AbortController();
    const provided = driver.provide('web1', cancelled.signal);
    await expect.poll(() => systemd.calls()).toEqual([`start ${unit}`]);
    cancelled.abort(new Error('enough'));
    await expect(provided).rejects.toThrow('enough');
    expect(existsSync(marker)).toBe(true);
  });

  test('is not started while another QEMU has its socket', async () => {
    await host.startQemu('web1');
    await expect(driver.provide('web1', never)).rejects.toMatchObject({ code: 'guest-busy' });
    expect(await systemd.calls()).toEqual([]);
  });
});

test('a unit that is active is taken as it is, and left alone afterwards', async () => {
  await systemd.show({ ActiveState: 'active' });
  const qemu = await driver.provide('web1', never);
  expect(qemu.socket).toBe(host.socketOf('web1'));
  expect(await qemu.release()).toBe(false);
  expect(await systemd.calls()).toEqual([]);
});

test.each(['activating', 'deactivating'])('a unit that is %s is not to be had', async (ActiveState) => {
  await systemd.show({ ActiveState });
  await expect(driver.provide('web1', never)).rejects.toMatchObject({ code: 'guest-busy' });
  expect(await systemd.calls()).toEqual([]);
});

test.each(['', '..', 'a/b', '-h', 'a b', 'a;b', '*', '%i', 'a\nb'])(
  'no unit is asked for by the name %j',
  async (name) => {
    await expect(driver.provide(name, never)).rejects.toMatchObject({ code: 'guest-not-found' });
    await driver.endLeftOver(name);
    expect(await systemd.calls()).toEqual([]);
  },
);

describe('after a restart of the agent', () => {
  test('a unit that waits is ended', async () => {
    await host.startQemu('web1', { status: 'inmigrate' });
    await systemd.show({ ActiveState: 'active' });
    await driver.endLeftOver('web1');
    expect(await systemd.calls()).toEqual([`stop ${unit}`]);
  });

  test('a unit whose guest runs is left alone', async () => {
    await host.startQemu('web1', { running: true });
    await systemd.show({ ActiveState: 'active' });
    await driver.endLeftOver('web1');
    expect(await systemd.calls()).toEqual([]);
  });

  test('neither a marker nor a failure is left, nor a start that is yet to come', async () => {
    await writeFile(marker, '');
    await systemd.show({ ActiveState: 'failed' });
    await driver.endLeftOver('web1');
    expect(await systemd.calls()).toEqual([`stop ${unit}`, `reset-failed ${unit}`]);
    expect(existsSync(marker)).toBe(false);
  });
});

describe('readiness', () => {
  const check = async (wanted: string): Promise<unknown> =>
    (await driver.checks()).find(({ name }) => name === wanted);
  const systemdCheck = async (): Promise<unknown> => check('systemd');

  test('is there with the template', async () => {
    expect(await systemdCheck()).toMatchObject({ ok: true });
  });

  test('lacks a template that is not installed', async () => {
    await systemd.show({ LoadState: 'not-found' });
    expect(await systemdCheck()).toMatchObject({
      ok: false,
      detail: textWith(/pageferry-common/),
    });
  });

  test('is there with the permission to start units, which is asked about without starting one', async () => {
    expect(await check('unit-permission')).toMatchObject({ ok: true });
    expect(await systemd.asked()).toBe(
      '--system --allow-interactive-authorization=no call org.freedesktop.systemd1 ' +
        '/org/freedesktop/systemd1/unit/qemu_2dguest_40pageferry_2dreadiness_2eservice org.freedesktop.systemd1.Unit ResetFailed\n',
    );
    expect(await systemd.calls()).toEqual([]);
  });

  test('lacks the permission to start units where polkit does not give it', async () => {
    await systemd.refuse('Call failed: Interactive authentication required.');
    expect(await check('unit-permission')).toMatchObject({
      ok: false,
      detail: textWith(/Interactive authentication required\..*60-pageferry\.rules/),
    });
  });
});
