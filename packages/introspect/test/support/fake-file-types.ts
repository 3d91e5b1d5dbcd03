import type { FakeBtf } from './fake-btf.js';

/** Where the members of a made-up kernel's structures are. */
export const offsets = {
  mapping: { host: 8 },
  inode: { i_sb: 40, i_data: 200 },
  superBlock: { s_blocksize: 24, s_type: 40, s_magic: 96, s_bdev: 200, s_fs_info: 208 },
  type: { name: 8 },
  device: { bd_start_sect: 0, bd_nr_sectors: 8, bd_disk: 24 },
  disk: { disk_name: 12, part0: 64 },
  deviceInode: { bdev: 0, vfs_inode: 256 },
  ext4: { i_data: 0, i_flags: 64, vfs_inode: 320, i_es_tree: 800 },
  node: { rb_right: 8, rb_left: 16 },
  status: { rb_node: 0, es_lblk: 24, es_len: 28, es_pblk: 32 },
  xfs: { i_df: 64, i_diflags: 150, i_vnode: 320 },
  fork: { if_bytes: 0, if_height: 20, if_root: 24, if_format: 42 },
  mount: { m_sb: 16 },
  xfsSuperBlock: { sb_blocksize: 4, sb_agblocks: 84, sb_agblklog: 124 },
  module: { list: 0, btf: 24 },
  btf: { data: 0, data_size: 88, start_id: 200, start_str_off: 204, name: 208 },
} as const;

type Offsets = Readonly<Record<string, number>>;

function structure(types: FakeBtf, name: string, bytes: number, members: Offsets): void {
  const int = 1;
  types.structure(
    name,
    bytes,
    Object.entries(members).map(([member, offset]) => [member, int, offset]),
  );
}

/** What every kernel has. */
export function addFileTypes(types: FakeBtf): void {
  structure(types, 'address_space', 64, offsets.mapping);
  structure(types, 'inode', 400, offsets.inode);
  structure(types, 'super_block', 1024, offsets.superBlock);
  structure(types, 'file_system_type', 64, offsets.type);
  structure(types, 'block_device', 256, offsets.device);
  structure(types, 'gendisk', 512, offsets.disk);
  structure(types, 'bdev_inode', 1024, offsets.deviceInode);
  structure(types, 'rb_root', 8, { rb_node: 0 });
  structure(types, 'rb_node', 24, offsets.node);
  structure(types, 'btf_module', 64, offsets.module);
  structure(types, 'btf', 300, offsets.btf);
}

export function addExt4Types(types: FakeBtf): void {
  structure(types, 'ext4_inode_info', 1024, offsets.ext4);
  structure(types, 'ext4_es_tree', 16, { root: 0 });
  structure(types, 'extent_status', 40, offsets.status);
}

/** @param root what points to the root of a file's extents */
export function addXfsTypes(types: FakeBtf, root: 'if_u1' | 'if_data'): void {
  const { if_root: place, ...fork } = offsets.fork;
  structure(types, 'xfs_inode', 1024, offsets.xfs);
  structure(types, 'xfs_ifork', 48, { ...fork, [root]: place });
  structure(types, 'xfs_mount', 1024, offsets.mount);
  structure(types, 'xfs_sb', 280, offsets.xfsSuperBlock);
}
