import { ensureEnvironment } from '../environment/install.js';
import { diskBuses, type GuestDisk } from './guest-disk.js';
import { guestKernel, type KernelName } from './guest-kernel.js';
import { extendInitramfs } from './initramfs.js';
import { modulesWithDependencies, readModule } from './kernel-modules.js';
import type { GuestHardware } from './qemu-arguments.js';

/** The guest loads its modules in the order of their names: these after the usual ones, and before those that tests add. */
const firstName = 50;
const usualFileSystem = 'ext4';

/**
 * All that a guest needs for a disk: its drivers come in its first file system, which stays as small as it is without them.
 * Throws if the kernel has no driver for it, as Debian's of 6.1 for clouds has none for SATA.
 */
export async function diskHardware(
  disk: GuestDisk,
  kernelName: KernelName = disk.bus === 'sata' ? 'backports' : 'stable',
): Promise<Pick<GuestHardware, 'disk' | 'initramfs' | 'kernel'>> {
  const { bus = 'virtio-blk', fileSystem = usualFileSystem } = disk;
  if (kernelName === 'stable' && bus === 'virtio-blk' && fileSystem === usualFileSystem) return { disk };
  const kernel = await guestKernel(kernelName);
  const { initramfs } = await ensureEnvironment();
  const drivers = await modulesWithDependencies(kernel.modules, [...diskBuses[bus].modules, fileSystem]);
  if (bus === 'sata' && !drivers.some((path) => path.includes('/ahci.ko'))) {
    throw new Error(`the kernel of ${kernelName} has no driver for a SATA disk`);
  }
  const files = new Map<string, Buffer>();
  for (const [index, path] of drivers.entries()) {
    files.set(`modules/${firstName + index}.ko`, await readModule(path));
  }
  return { disk, kernel: kernel.image, initramfs: await extendInitramfs(initramfs, [], files) };
}
