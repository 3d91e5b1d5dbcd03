import type { TypeInformation } from '../kernel/btf.js';
import type { Encodings } from '../kernel/encodings.js';
import { StructureLayout } from '../kernel/structure-layout.js';

export interface XfsLayout {
  /** `struct xfs_inode` (fs/xfs/xfs_inode.h), with the `struct xfs_ifork` of the file's data in it. */
  readonly inode: {
    readonly bytes: number;
    /** Where the `struct inode` in it is. */
    readonly common: number;
    readonly flags: number;
    readonly extentBytes: number;
    readonly height: number;
    readonly root: number;
    readonly format: number;
  };
  /** `struct xfs_mount` (fs/xfs/xfs_mount.h), with the `struct xfs_sb` in it. */
  readonly mount: {
    readonly bytes: number;
    readonly groupBlocks: number;
    readonly groupBits: number;
    readonly blockBytes: number;
  };
}

export function xfsLayoutOf(types: TypeInformation, encodings: Encodings): XfsLayout {
  const layout = (name: string): StructureLayout => new StructureLayout(types.structure(name));
  const [info, fork, mount, superBlock] = [
    layout('xfs_inode'),
    layout('xfs_ifork'),
    layout('xfs_mount'),
    layout('xfs_sb'),
  ];
  const inFork = {
    extentBytes: fork.offset('if_bytes', 8),
    height: fork.offset('if_height', 4),
    root: fork.offset(encodings.xfsExtentRoot, 8),
    format: fork.offset('if_format', 1),
  };
  const data = info.offset('i_df', fork.bytes, 8);
  const inode = {
    common: info.offset('i_vnode', 8),
    flags: info.offset('i_diflags', 2),
    extentBytes: data + inFork.extentBytes,
    height: data + inFork.height,
    root: data + inFork.root,
    format: data + inFork.format,
  };
  const inSuperBlock = {
    blockBytes: superBlock.offset('sb_blocksize', 4),
    groupBlocks: superBlock.offset('sb_agblocks', 4),
    groupBits: superBlock.offset('sb_agblklog', 1),
  };
  const base = mount.offset('m_sb', superBlock.bytes, 8);
  return {
    inode: { bytes: info.bytes, ...inode },
    mount: {
      bytes: mount.bytes,
      blockBytes: base + inSuperBlock.blockBytes,
      groupBlocks: base + inSuperBlock.groupBlocks,
      groupBits: base + inSuperBlock.groupBits,
    },
  };
}
