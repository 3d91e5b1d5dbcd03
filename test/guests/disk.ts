import { open, rm } from 'node:fs/promises';
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
  /** Where that begins, in bytes: 1 MiB by default. */
  readonly partitionStart?: number;
  /** A folder whose files are on it; for ext4 only. */
  readonly content?: string;
  /** Of an ext4, in bytes: 1 KiB on a small disk, unless given. */
  readonly blockBytes?: number;
}

const bytesPerMib = 1024 * 1024;
const defaultSizeMiB = { ext4: 64, xfs: 320 } as const;
/** For a folder of some hundred MiB to be copied into it, too. */
const timeoutMs = 120_000;

/** Creates a disk image with a file system that is empty, or has what is in a folder. */
export async function createDisk(path: string, options: DiskOptions): Promise<void> {
  const { format, partitions, partitionStart = firstPartitionBytes, fileSystem = 'ext4' } = options;
  const sizeBytes = (options.sizeMiB ?? defaultSizeMiB[fileSystem]) * bytesPerMib;
  const raw = format === 'raw' ? path : `${path}.raw`;
  if (partitions === undefined) {
    await createFileSystem(raw, fileSystem, sizeBytes, options);
  } else {
    const inner = `${path}.inner`;
    await createFileSystem(inner, fileSystem, sizeBytes, options);
    await writePartitionTable(raw, partitions, sizeBytes, partitionStart);
    const there = ['oflag=seek_bytes', `seek=${partitionStart}`, 'conv=notrunc,sparse'];
    await run('dd', [`if=${inner}`, `of=${raw}`, 'bs=1M', ...there, 'status=none']);
    await rm(inner);
  }
  if (format === 'qcow2') {
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, path], { timeoutMs });
    await rm(raw);
  }
}

async function createFileSystem(
  path: string,
  fileSystem: FileSystem,
  bytes: number,
  { content, blockBytes }: Pick<DiskOptions, 'content' | 'blockBytes'>,
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
  const blocks = blockBytes === undefined ? [] : ['-b', String(blockBytes)];
  await run('mke2fs', ['-q', '-F', '-t', 'ext4', ...blocks, ...files, path], { timeoutMs });
}
