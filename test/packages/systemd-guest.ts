import { readFile } from 'node:fs/promises';
import { ensureEnvironment } from '../environment/install.js';
import { SerialPort } from '../guests/serial-port.js';
import { Workload } from '../guests/workload.js';
import type { Container } from './container.js';
import { makeUserfaultfd } from './prepare-host.js';

/** Kernel and first file system of the tests' guest, where {@link bringGuestFiles} has them. */
export const guestFiles = { kernel: '/srv/guest/vmlinuz', initramfs: '/srv/guest/initrd' } as const;
const files = '/var/lib/pageferry/guests';

/** The guest web1, as a unit of the packages has it; as an operator would define it. */
export async function prepareGuest(container: Container): Promise<void> {
  await bringGuestFiles(container);
  await makeUserfaultfd(container, 'pageferry');
  const qemuArguments = [
    ...['-accel', 'tcg', '-machine', 'pc', '-m', '256M', '-no-reboot'],
    ...['-kernel', guestFiles.kernel, '-initrd', guestFiles.initramfs, '-append', 'tsc=reliable'],
    ...['-serial', `file:${files}/web1.console`, '-serial', `unix:${files}/web1.serial,server=on,wait=off`],
  ];
  await container.write('etc/pageferry/guests/web1.conf', `QEMU_ARGUMENTS="${qemuArguments.join(' ')}"\n`);
}

/** Copies what the guest boots from. */
export async function bringGuestFiles(container: Container): Promise<void> {
  const { kernel, initramfs } = await ensureEnvironment();
  await container.write(guestFiles.kernel, await readFile(kernel));
  await container.write(guestFiles.initramfs, await readFile(initramfs));
}

/** The program in the guest, through its serial port. */
export async function workloadIn(container: Container): Promise<Workload> {
  return new Workload(await SerialPort.open(container.path(files, 'web1.serial')));
}
