import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { addBackports, backports, dependencyOf, runApt } from './apt.js';
import { isUnpacked, unpackMissing, unpackedPackage } from './unpacked-package.js';

export interface BackportsKernel {
  readonly image: string;
  /** Where its modules lie, in folders below it; compressed by xz. */
  readonly modules: string;
  /** A driver that is built into the usual kernel's first file system, but not into this one; compressed by xz. */
  readonly virtioBlock: string;
}

const name = 'kernel-backports';

/** The newest kernel that Debian's backports have; fetched when a test first asks for it. */
export async function backportsKernel(): Promise<BackportsKernel> {
  if (!isUnpacked(name)) {
    for (const command of await addBackports()) await runApt(command);
    const find = (): Promise<string> => dependencyOf('linux-image-cloud-amd64', 'linux-image-', backports);
    await unpackMissing([{ name, find }], () => undefined);
  }
  const files = await readdir(unpackedPackage(name), { recursive: true });
  const fileLike = (pattern: RegExp): string => {
    const file = files.find((path) => pattern.test(path));
    if (file === undefined) throw new Error(`the kernel of ${backports} has no ${String(pattern)}`);
    return join(unpackedPackage(name), file);
  };
  return {
    image: fileLike(/^boot\/vmlinuz-/),
    modules: join(unpackedPackage(name), 'lib/modules'),
    virtioBlock: fileLike(/\/virtio_blk\.ko\.xz$/),
  };
}
