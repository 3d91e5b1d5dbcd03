import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { backportsKernel } from '../../environment/backports-kernel.js';
import { eventually } from '../../environment/deadline.js';
import { ensureEnvironment } from '../../environment/install.js';
import { fieldsOf, numberOf } from '../../environment/values.js';
import { initramfsWithBalloon } from '../../guests/balloon-driver.js';
import { createDisk } from '../../guests/disk.js';
import type { Guest } from '../../guests/guest.js';
import type { Guests } from '../../guests/guests.js';
import { extendInitramfs } from '../../guests/initramfs.js';
import type { GuestHardware } from '../../guests/qemu-arguments.js';

export type KernelOfGuest = 'stable' | 'backports';

const compressedDriver = 'virtio_blk.ko.xz';

/** A QEMU that gets these options besides; of two alike it takes the last one. */
export async function qemuWith(directory: string, name: string, options: string): Promise<string> {
  const path = join(directory, `qemu-with-${name}`);
  await writeFile(path, `#!/bin/sh\nexec qemu-system-x86_64 "$@" ${options}\n`);
  await chmod(path, 0o755);
  return path;
}

async function otherKernel(guests: Guests): Promise<{ readonly qemu: string; readonly initramfs: string }> {
  const kernel = await backportsKernel();
  const { initramfs } = await ensureEnvironment();
  const driver = new Map([[compressedDriver, await readFile(kernel.virtioBlock)]]);
  const qemu = await qemuWith(guests.directory, 'kernel', `-kernel '${kernel.image}'`);
  return { qemu, initramfs: await extendInitramfs(initramfs, [], driver) };
}

/** Boots a guest of this kernel with an ext4 file system on a disk. */
export async function bootWithDisk(
  guests: Guests,
  name: string,
  kernel: KernelOfGuest,
  hardware: GuestHardware,
): Promise<Guest> {
  const path = join(guests.directory, `${name}.disk`);
  await createDisk(path, { format: 'raw' });
  const other = kernel === 'backports' ? await otherKernel(guests) : {};
  const guest = await guests.start({ ...hardware, ...other, name, disk: { path, format: 'raw' } });
  await guest.waitUntilReady();
  if (kernel === 'backports') {
    const load = `unxz -c /${compressedDriver} > /tmp/driver.ko && insmod /tmp/driver.ko && rm /tmp/driver.ko`;
    await run(guest, `${load} && mount -t ext4 /dev/vda /mnt`);
  }
  return guest;
}

/** Of a guest that has a balloon, the device vmcoreinfo, and room for one more module of memory; with more options, if any. */
export async function resizable(
  directory: string,
  memoryMiB: number,
  more = '',
): Promise<{ readonly qemu: string; readonly initramfs: string }> {
  const memory = `-m ${memoryMiB}M,slots=1,maxmem=${memoryMiB * 2}M`;
  const devices = '-device virtio-balloon-pci -device vmcoreinfo';
  const qemu = await qemuWith(directory, 'balloon', `${memory} ${devices} ${more}`);
  return { qemu, initramfs: await initramfsWithBalloon() };
}

/** Boots a guest that is {@link resizable}. */
export async function bootResizable(guests: Guests, name: string, hardware: GuestHardware): Promise<Guest> {
  const guest = await guests.start({
    ...hardware,
    ...(await resizable(guests.directory, hardware.memoryMiB)),
    name,
  });
  await guest.waitUntilReady();
  return guest;
}

/** Plugs a module of memory in, which the guest puts to use; all of its memory is then so many blocks of 128 MiB. */
export async function plugIn(guest: Guest, mebibytes: number, blocks: number): Promise<void> {
  const module = { 'qom-type': 'memory-backend-ram', id: 'module', size: mebibytes * 2 ** 20 };
  await guest.monitor.execute('object-add', module);
  await guest.monitor.execute('device_add', { driver: 'pc-dimm', memdev: 'module' });
  // The guest brings them online by itself or on demand.
  const online = `[ $(grep -l online /sys/devices/system/memory/memory*/state | wc -l) -ge ${blocks} ]`;
  const bring =
    'for file in /sys/devices/system/memory/memory*/state; do echo online > $file; done 2> /dev/null';
  await eventually(
    async () => (await guest.workload.shell(`${bring}; ${online}`)) === 0,
    30_000,
    'the memory',
  );
}

/** Lets the guest's balloon take memory until it has so much left. */
export async function inflateBalloon(guest: Guest, mebibytes: number): Promise<void> {
  const value = mebibytes * 2 ** 20;
  await guest.monitor.execute('balloon', { value });
  await eventually(
    async () => numberOf(fieldsOf(await guest.monitor.execute('query-balloon')), 'actual') <= value,
    30_000,
    'the balloon',
    50,
  );
}

/** Runs a command line in the guest, which must end well. */
export async function run(guest: Guest, commandLine: string): Promise<void> {
  const status = await guest.workload.shell(commandLine);
  if (status !== 0)
    throw new Error(`"${commandLine}" has ended with ${status} in the guest:\n${guest.log()}`);
}

const END = 'END-OF-OUTPUT';
const PRINTED_TIMEOUT_MS = 20_000;

/** What a command line prints in the guest, over its console. */
export async function textOf(guest: Guest, commandLine: string): Promise<string> {
  const begin = guest.log().length;
  await run(guest, `(${commandLine}; echo; echo ${END}) > /dev/ttyS0`);
  const printed = (): string => guest.log().slice(begin).replaceAll('\r', '');
  // The command has ended before the console has brought all of it.
  await eventually(() => printed().includes(END), PRINTED_TIMEOUT_MS, `what ${commandLine} prints`);
  const [text = ''] = printed().split(END);
  return text;
}
