import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { FakeVirsh, UUID } from '../../destination-agent/test/support/fake-virsh.js';
import { findGuest, type GuestPlaces } from '../src/guest-monitor.js';

function placesOf({ directory }: FakeVirsh, libvirtUri = 'qemu:///system'): GuestPlaces {
  return { guestDirectory: directory, runtimeDirectory: directory, libvirtUri };
}

test('a name is that of a domain that runs', async () => {
  const virsh = await FakeVirsh.install();
  await virsh.put('id', '3');
  expect(await findGuest(placesOf(virsh), 'web1')).toEqual({ uuid: UUID });
});

test('a domain that is shut off is no guest to migrate, one that is not known none at all', async () => {
  const virsh = await FakeVirsh.install();
  await expect(findGuest(placesOf(virsh), 'web1')).rejects.toMatchObject({ code: 'guest-state' });
  await expect(findGuest(placesOf(virsh), 'web2')).rejects.toMatchObject({ code: 'guest-not-found' });
});

test('a socket is a guest beside a domain that is shut off, and refused beside one that runs', async () => {
  const virsh = await FakeVirsh.install();
  const socket = `${virsh.directory}/web1.sock`;
  await writeFile(socket, '');
  expect(await findGuest(placesOf(virsh), 'web1')).toEqual({ socket });
  await virsh.put('id', '3');
  await expect(findGuest(placesOf(virsh), 'web1')).rejects.toMatchObject({ code: 'configuration-invalid' });
});

test('without a libvirt none is asked', async () => {
  const virsh = await FakeVirsh.install();
  await virsh.put('id', '3');
  await expect(findGuest(placesOf(virsh, ''), 'web1')).rejects.toMatchObject({ code: 'guest-not-found' });
  expect(await virsh.calls()).toBe('');
});
