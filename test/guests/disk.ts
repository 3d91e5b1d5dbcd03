import { open, rm, truncate, writeFile } from 'node:fs/promises';
import { run } from '../environment/run.js';

export interface DiskOptions {
  readonly format: 'raw' | 'qcow2';
  /** 64 by default. */
  readonly sizeMiB?: number;
  /** What is in this folder is in the file system, holes in files included. */
  readonly content?: string;
}

const bytesPerMib = 1024 * 1024;
const sectorBytes = 512;
const blockBytes = 4096;

/** Creates a disk image with an empty ext4 file system. */
export async function createDisk(path: string, options: DiskOptions): Promise<void> {
  const raw = options.format === 'raw' ? path : `${path}.raw`;
  const file = await open(raw, 'w');
  await file.truncate((options.sizeMiB ?? 64) * bytesPerMib);
  await file.close();
  const content = options.content === undefined ? [] : ['-d', options.content];
  await run('mke2fs', ['-q', '-F', '-t', 'ext4', ...content, raw]);
  if (options.format === 'qcow2') {
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, path]);
    await rm(raw);
  }
}

/**
 * Creates a raw image with a partition, and in it an empty ext4 file system with blocks of 4 KiB.
 * @param startSector where the partition begins, in sectors of 512 bytes
 */
export async function createPartitionedDisk(
  path: string,
  { sizeMiB, startSector }: { readonly sizeMiB: number; readonly startSector: number },
): Promise<void> {
  const sectors = sizeMiB * (bytesPerMib / sectorBytes) - startSector;
  // A table of partitions as DOS has it: the first entry, and the mark at the end.
  const table = Buffer.alloc(sectorBytes);
  table[450] = 0x83;
  table.writeUInt32LE(startSector, 454);
  table.writeUInt32LE(sectors, 458);
  table.writeUInt16LE(0xaa55, 510);
  await writeFile(path, table);
  await truncate(path, sizeMiB * bytesPerMib);
  const blocks = Math.floor((sectors * sectorBytes) / blockBytes);
  const place = ['-b', String(blockBytes), '-E', `offset=${startSector * sectorBytes}`];
  await run('mke2fs', ['-q', '-F', '-t', 'ext4', ...place, path, String(blocks)]);
}
