import { open, rm, truncate, writeFile } from 'node:fs/promises';
import { run } from '../environment/run.js';
import type { FileSystem } from './guest-disk.js';
import { firstPartitionBytes, writePartitionTable, type PartitionTable } from './partition-table.js';

export interface DiskOptions {
  readonly format: 'raw' | 'qcow2';
  /** Of the file system; 64 by default, and 320 for xfs, which takes no less than 300. */
  readonly sizeMiB?: number;
  /** `ext4` by default. */
  readonly fileSystem?: FileSystem;
  /** The file system is in its first partition; without it on the disk as a whole. */
  readonly partitions?: PartitionTable;
  /** A folder whose files are on it; for ext4 only. */
  readonly content?: string;
}

const bytesPerMib = 1024 * 1024;
const sectorBytes = 512;
const blockBytes = 4096;
const defaultSizeMiB = { ext4: 64, xfs: 320 } as const;
/** For a folder of some hundred MiB to be copied into it, too. */
const timeoutMs = 120_000;

/** Creates a disk image with a file system that is empty, or has what is in a folder. */
export async function createDisk(path: string, options: DiskOptions): Promise<void> {
  const { format, partitions, fileSystem = 'ext4' } = options;
  const sizeBytes = (options.sizeMiB ?? defaultSizeMiB[fileSystem]) * bytesPerMib;
  const raw = format === 'raw' ? path : `${path}.raw`;
  if (partitions === undefined) {
    await createFileSystem(raw, fileSystem, sizeBytes, options.content);
  } else {
    const inner = `${path}.inner`;
    await createFileSystem(inner, fileSystem, sizeBytes, options.content);
    await writePartitionTable(raw, partitions, sizeBytes);
    const seek = `seek=${firstPartitionBytes / bytesPerMib}`;
    await run('dd', [`if=${inner}`, `of=${raw}`, 'bs=1M', seek, 'conv=notrunc,sparse', 'status=none']);
    await rm(inner);
  }
  if (format === 'qcow2') {
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, path], { timeoutMs });
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

async function createFileSystem(
  path: string,
  fileSystem: FileSystem,
  bytes: number,
  content: string | undefined,
): Promise<void> {
  const file = await open(path, 'w');
  await file.truncate(bytes);
  await file.close();
  if (fileSystem === 'xfs') {
    if (content !== undefined) throw new Error('files are put on a new disk only if it has ext4');
    await run('mkfs.xfs', ['-q', '-f', path]);
    return;
  }
  const files = content === undefined ? [] : ['-d', content];
  await run('mke2fs', ['-q', '-F', '-t', 'ext4', ...files, path], { timeoutMs });
}
