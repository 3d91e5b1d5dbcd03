import { open, rm } from 'node:fs/promises';
import { run } from '../environment/run.js';

export interface DiskOptions {
  readonly format: 'raw' | 'qcow2';
  /** 64 by default. */
  readonly sizeMiB?: number;
}

const bytesPerMib = 1024 * 1024;

/** Creates a disk image with an empty ext4 file system. */
export async function createDisk(path: string, options: DiskOptions): Promise<void> {
  const raw = options.format === 'raw' ? path : `${path}.raw`;
  const file = await open(raw, 'w');
  await file.truncate((options.sizeMiB ?? 64) * bytesPerMib);
  await file.close();
  await run('mke2fs', ['-q', '-F', '-t', 'ext4', raw]);
  if (options.format === 'qcow2') {
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, path]);
    await rm(raw);
  }
}
