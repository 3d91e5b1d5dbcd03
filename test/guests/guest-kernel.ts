import { join } from 'node:path';
import { backportsKernel } from '../environment/backports-kernel.js';
import { ensureEnvironment } from '../environment/install.js';
import { unpackedPackage } from '../environment/unpacked-package.js';

/** Of Debian: that of its release, which guests have by default, and the newest one of its backports. */
export type KernelName = 'stable' | 'backports';

export interface GuestKernel {
  readonly image: string;
  /** Where its modules lie, in folders below it. */
  readonly modules: string;
}

export async function guestKernel(name: KernelName): Promise<GuestKernel> {
  if (name === 'backports') return backportsKernel();
  const { kernel } = await ensureEnvironment();
  return { image: kernel, modules: join(unpackedPackage('kernel'), 'lib/modules') };
}
