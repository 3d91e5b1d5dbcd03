import { StructureReader } from '../memory/structure-reader.js';
import type { VirtualMemory } from '../memory/virtual-memory.js';
import type { Volume } from './disks.js';
import type { UnmappedReason } from './file-pages.js';
import type { FileContent, FileSystem } from './file-system.js';
import { extentRecords } from './xfs-extent-records.js';
import type { XfsLayout } from './xfs-layout.js';

/** XFS_DIFLAG_REALTIME, fs/xfs/libxfs/xfs_format.h: the file is on another device. */
const REALTIME = 1;
/** enum xfs_dinode_fmt, the same file: extents in the inode, or in a tree on the disk. In memory both are alike. */
const FORMATS = [2, 3];

const SMALLEST_BLOCK = 512;
const LARGEST_BLOCK = 65_536;
const MOST_GROUP_BITS = 31;

export interface XfsOptions {
  readonly layout: XfsLayout;
  readonly memory: VirtualMemory;
  readonly inodes: StructureReader;
  readonly volume: Volume;
  /** The address of its `struct xfs_mount`. */
  readonly mount: number;
}

/** Files of xfs: the kernel has all extents of a file in memory once it has used one. */
export function openXfs({ layout, memory, inodes, volume, mount }: XfsOptions): FileSystem | UnmappedReason {
  const reader = new StructureReader(memory);
  if (!reader.seek(mount, layout.mount.bytes)) return 'inode';
  const blockBytes = reader.u32(layout.mount.blockBytes);
  const groupBlocks = reader.u32(layout.mount.groupBlocks);
  const groupBits = reader.u8(layout.mount.groupBits);
  const isPower = Number.isInteger(Math.log2(blockBytes));
  if (!isPower || blockBytes < SMALLEST_BLOCK || blockBytes > LARGEST_BLOCK) return 'encoding';
  if (groupBits > MOST_GROUP_BITS || groupBlocks === 0 || groupBlocks > 2 ** groupBits) return 'encoding';

  // A block's number is that of its allocation group, and behind it its number there.
  const firstOfGroup = 2 ** groupBits;
  const blockOf = (number: number): number =>
    Math.floor(number / firstOfGroup) * groupBlocks + (number % firstOfGroup);
  const { inode: offsets } = layout;
  const content: FileContent = {
    volume,
    blockBytes,
    sources: [extentRecords(memory, inodes, offsets, blockOf)],
  };
  return {
    contentOf(inode) {
      if (!inodes.seek(inode - offsets.common, offsets.bytes)) return 'inode';
      const isRealtime = (inodes.u16(offsets.flags) & REALTIME) !== 0;
      return isRealtime || !FORMATS.includes(inodes.u8(offsets.format)) ? 'encoding' : content;
    },
  };
}
