import type { TypeInformation } from '../kernel/btf.js';
import { StructureLayout } from '../kernel/structure-layout.js';

/** The block map or extent tree in an inode: 15 words. */
export const EXT4_ROOT_BYTES = 60;

export interface Ext4Layout {
  /** `struct ext4_inode_info` (fs/ext4/ext4.h). */
  readonly inode: {
    readonly bytes: number;
    /** Where the `struct inode` in it is. */
    readonly common: number;
    readonly root: number;
    readonly flags: number;
    /** A pointer to the first one of the tree of `struct extent_status`. */
    readonly status: number;
  };
  /** `struct extent_status` (fs/ext4/extents_status.h). */
  readonly status: {
    readonly bytes: number;
    /** Where the `struct rb_node` in it is, and its children's pointers. */
    readonly node: number;
    readonly left: number;
    readonly right: number;
    readonly start: number;
    readonly length: number;
    readonly block: number;
  };
}

export function ext4LayoutOf(types: TypeInformation): Ext4Layout {
  const layout = (name: string): StructureLayout => new StructureLayout(types.structure(name));
  const [info, tree, status, node] = [
    layout('ext4_inode_info'),
    layout('ext4_es_tree').offset('root', 8) + layout('rb_root').offset('rb_node', 8),
    layout('extent_status'),
    layout('rb_node'),
  ];
  const inode = {
    common: info.offset('vfs_inode', 8),
    root: info.offset('i_data', EXT4_ROOT_BYTES, 4),
    flags: info.offset('i_flags', 8),
    status: info.offset('i_es_tree', tree + 8) + tree,
  };
  const nodeAt = status.offset('rb_node', 24);
  const extent = {
    node: nodeAt,
    left: nodeAt + node.offset('rb_left', 8),
    right: nodeAt + node.offset('rb_right', 8),
    start: status.offset('es_lblk', 4),
    length: status.offset('es_len', 4),
    block: status.offset('es_pblk', 8),
  };
  return { inode: { bytes: info.bytes, ...inode }, status: { bytes: status.bytes, ...extent } };
}
