import { PageferryError } from '@pageferry/errors';
import { readFile, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { QmpClient, QmpOptions } from '../qmp/qmp-client.js';
import { runState } from './guest-control.js';

/** QEMU_VM_FILE_MAGIC and QEMU_VM_FILE_VERSION (migration/savevm.h), big-endian. */
const HEADER = Buffer.from('QEVM\0\0\0\x03', 'latin1');
/** QEMU_VM_SECTION_FULL */
const SECTION_FULL = 4;
/** QEMU_VM_EOF */
const END = 0;

/**
 * Has QEMU save all that a stopped guest is, without its RAM. That releases the locks of its disk images;
 * `continueGuest` takes them back. (qmp_xen_save_devices_state in migration/savevm.c; nothing in it is Xen's.)
 * @param path of a file that QEMU can make and this process can read; it is removed again
 * @returns the device sections, as they stand in a migration stream
 * @throws `guest-state` if the guest runs, `device-state` if what QEMU wrote is not what it should be
 */
export async function saveDeviceState(qmp: QmpClient, path: string, options?: QmpOptions): Promise<Buffer> {
  const { running, status } = await runState(qmp, options);
  if (running) {
    throw new PageferryError(
      'guest-state',
      `the guest must be stopped to save its devices, and is ${status}`,
    );
  }
  // QEMU has another working directory.
  const filename = resolve(path);
  try {
    await qmp.execute('xen-save-devices-state', { filename, live: true }, options);
    return parseDeviceState(await read(filename));
  } finally {
    await rm(filename, { force: true });
  }
}

async function read(filename: string): Promise<Buffer> {
  try {
    return await readFile(filename);
  } catch (cause) {
    throw new PageferryError(
      'device-state',
      `${String(cause)}; QEMU wrote this file: does the agent see the same folder, as a user that may read it?`,
      { cause },
    );
  }
}

/** The sections of a file that `xen-save-devices-state` wrote. */
export function parseDeviceState(file: Buffer): Buffer {
  const sections = file.subarray(HEADER.length, -1);
  if (
    file.length <= HEADER.length ||
    !file.subarray(0, HEADER.length).equals(HEADER) ||
    sections[0] !== SECTION_FULL ||
    file.at(-1) !== END
  ) {
    throw new PageferryError(
      'device-state',
      `what QEMU saved (${file.length} bytes) is not a device state of version 3`,
    );
  }
  return sections;
}
