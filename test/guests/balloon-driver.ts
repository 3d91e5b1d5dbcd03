import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureEnvironment } from '../environment/install.js';
import { unpackedPackage } from '../environment/unpacked-package.js';
import { extendInitramfs } from './initramfs.js';
import { modulesWithDependencies } from './kernel-modules.js';

/** The usual first file system, with the driver of virtio's balloon. */
export async function initramfsWithBalloon(): Promise<string> {
  const { initramfs } = await ensureEnvironment();
  const modules = join(unpackedPackage('kernel'), 'lib/modules');
  const driver = (await modulesWithDependencies(modules, ['virtio_balloon'])).at(-1);
  if (driver === undefined) throw new Error('the kernel has no driver of the balloon');
  // Behind those of the usual ones, which it needs.
  return extendInitramfs(initramfs, [], new Map([['modules/99.ko', await readFile(driver)]]));
}
