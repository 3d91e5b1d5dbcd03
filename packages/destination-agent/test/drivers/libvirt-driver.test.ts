import { access, readdir } from 'node:fs/promises';
import { createLogger } from '@pageferry/daemon';
import { expect, test, vi } from 'vitest';
import { LibvirtDriver } from '../../src/drivers/libvirt-driver.js';
import { FakeVirsh, UUID } from '../support/fake-virsh.js';

const log = createLogger({ name: 'test', level: 'silent' });
const textWith = (pattern: RegExp): unknown => expect.stringMatching(pattern);
const forever = new AbortController().signal;

function driverOf({ directory }: FakeVirsh, startSeconds = 60): LibvirtDriver {
  return new LibvirtDriver({ uri: 'qemu:///system', directory, startSeconds, log });
}

test('a domain that is shut off is started, and destroyed for a guest that does not come', async () => {
  const virsh = await FakeVirsh.install();
  await virsh.put('go');
  const driver = driverOf(virsh);
  const qemu = await driver.provide('web1', forever);
  expect(qemu.socket).toBe(`${virsh.directory}/web1.sock`);
  expect(await virsh.calls()).toContain('create --paused');
  expect((await readdir(virsh.directory)).filter((name) => name.endsWith('.xml'))).toEqual([]);
  expect(await driver.find('web1')).toBe(qemu.socket);

  expect(await qemu.release()).toBe(true);
  expect(await virsh.calls()).toContain(`destroy ${UUID}`);
  expect(await driver.find('web1')).toBeUndefined();
});

test('a later run of the domain is not destroyed in place of its own', async () => {
  const virsh = await FakeVirsh.install();
  await virsh.put('go');
  const qemu = await driverOf(virsh).provide('web1', forever);
  await virsh.put('id', '8');
  expect(await qemu.release()).toBe(true);
  expect(await virsh.calls()).not.toContain('destroy');
});

test('what cannot take a guest in is refused, and not started', async () => {
  const virsh = await FakeVirsh.install();
  const driver = driverOf(virsh);
  await expect(driver.provide('web2', forever)).rejects.toMatchObject({ code: 'guest-not-found' });
  await expect(driver.provide('../web1', forever)).rejects.toMatchObject({ code: 'guest-not-found' });
  await virsh.put('info', 'Managed save:   yes\n');
  await expect(driver.provide('web1', forever)).rejects.toMatchObject({ code: 'guest-state' });
  await virsh.put('id', '3');
  await expect(driver.provide('web1', forever)).rejects.toMatchObject({ code: 'guest-busy' });
  expect(await virsh.calls()).not.toContain('create');
});

test('a domain that libvirt starts when nobody waits for it any more is ended', async () => {
  const virsh = await FakeVirsh.install();
  const driver = driverOf(virsh);
  const given = new AbortController();
  const providing = driver.provide('web1', given.signal);
  await vi.waitFor(() => access(`${virsh.directory}/live`), { timeout: 10_000 });
  given.abort(new Error('given up'));
  await expect(providing).rejects.toThrow('given up');
  await expect(driver.provide('web1', forever)).rejects.toMatchObject({ code: 'guest-busy' });

  await virsh.put('go');
  await vi.waitFor(
    async () => {
      expect(await virsh.calls()).toContain(`destroy ${UUID}`);
    },
    { timeout: 10_000 },
  );
});

test('a domain that takes longer to start than it may is refused, and ended when libvirt has started it', async () => {
  const virsh = await FakeVirsh.install();
  await expect(driverOf(virsh, 0.5).provide('web1', forever)).rejects.toMatchObject({
    code: 'driver-failed',
    message: textWith(/within 0\.5 s \(qemuStartSeconds\)/),
  });
  await virsh.put('go');
  await vi.waitFor(
    async () => {
      expect(await virsh.calls()).toContain(`destroy ${UUID}`);
    },
    { timeout: 10_000 },
  );
});

test('what an earlier run has started is ended as long as it waits', async () => {
  const virsh = await FakeVirsh.install();
  await virsh.put('go');
  await driverOf(virsh).provide('web1', forever);
  await driverOf(virsh).endLeftOver('web1');
  expect(await virsh.calls()).toContain(`destroy ${UUID}`);
});
