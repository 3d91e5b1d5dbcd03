import type { StructureReader } from '../memory/structure-reader.js';
import type { VirtualMemory } from '../memory/virtual-memory.js';
import type { Volume } from './disks.js';
import { extentStatus } from './ext4-extent-status.js';
import { extentTree } from './ext4-extent-tree.js';
import type { Ext4Layout } from './ext4-layout.js';
import type { FileContent, FileSystem } from './file-system.js';
import type { UnmappedReason } from './file-pages.js';
import type { ReadBlock } from './metadata.js';

/** Bits of `ext4_inode_info.i_flags`: EXT4_*_FL, fs/ext4/ext4.h. */
const COMPRESSED = 0x4;
const ENCRYPTED = 0x800;
const EXTENTS = 0x8_0000;
const HOLDS_ATTRIBUTE = 0x20_0000;
const WITHIN_INODE = 0x1000_0000;
const REFUSED = COMPRESSED | ENCRYPTED | HOLDS_ATTRIBUTE | WITHIN_INODE;

const SMALLEST_BLOCK = 1024;
const LARGEST_BLOCK = 4096;

export interface Ext4Options {
  readonly layout: Ext4Layout;
  readonly memory: VirtualMemory;
  readonly inodes: StructureReader;
  readonly volume: Volume;
  readonly blockBytes: number;
  /** Reads blocks of the file system's own. */
  readonly nodes: ReadBlock;
}

/** Files of ext4 that have extents: in the inode, in blocks that it names, and in a tree that the kernel keeps of those it has used. */
export function openExt4(options: Ext4Options): FileSystem | UnmappedReason {
  const { layout, memory, inodes, volume, blockBytes, nodes } = options;
  const isPower = Number.isInteger(Math.log2(blockBytes));
  if (!isPower || blockBytes < SMALLEST_BLOCK || blockBytes > LARGEST_BLOCK) return 'encoding';
  const { inode: offsets } = layout;
  const content: FileContent = {
    volume,
    blockBytes,
    sources: [extentTree(inodes, offsets, blockBytes, nodes), extentStatus(memory, inodes, layout)],
  };
  return {
    contentOf(inode) {
      if (!inodes.seek(inode - offsets.common, offsets.bytes)) return 'inode';
      const flags = inodes.u32(offsets.flags);
      return (flags & REFUSED) === 0 && (flags & EXTENTS) !== 0 ? content : 'encoding';
    },
  };
}
