import type { FakeDevice, FakeDisks } from './fake-disks.js';
import type { FakeExtent } from './fake-ext4.js';
import { offsets } from './fake-file-types.js';

export interface FakeRecord extends FakeExtent {
  readonly unwritten?: boolean;
}

export interface FakeXfsFile {
  readonly root?: bigint;
  readonly height?: number;
  /** Of all records. */
  readonly bytes?: number;
  readonly flags?: number;
  readonly format?: number;
}

const blockBytes = 4096;
/** Of an allocation group: fewer than its numbers have room for. */
export const groupBlocks = 3000;
export const groupBits = 12;

/** The number of a block by its group, and its number there. */
export const blockNumber = (group: number, block: number): number => group * 2 ** groupBits + block;

export function extentRecord({ start, length, block, unwritten = false }: FakeRecord): Buffer {
  const number = BigInt(block);
  const record = Buffer.alloc(16);
  record.writeBigUInt64LE(BigInt.asUintN(64, BigInt(start) | (number << 54n)), 0);
  const high = BigInt(length) | (unwritten ? 1n << 21n : 0n) | ((number >> 10n) << 22n);
  record.writeBigUInt64LE(BigInt.asUintN(64, high), 8);
  return record;
}

/** An xfs file system on a device. */
export class FakeXfs {
  readonly #disks: FakeDisks;
  readonly #superBlock: bigint;

  constructor(disks: FakeDisks, device: FakeDevice) {
    this.#disks = disks;
    const mount = disks.place(1024);
    disks.put32(mount, offsets.mount.m_sb + offsets.xfsSuperBlock.sb_blocksize, blockBytes);
    disks.put32(mount, offsets.mount.m_sb + offsets.xfsSuperBlock.sb_agblocks, groupBlocks);
    disks.putBytes(mount, offsets.mount.m_sb + offsets.xfsSuperBlock.sb_agblklog, Buffer.of(groupBits));
    this.#superBlock = disks.fileSystem('xfs', 0x5846_5342, device.address, blockBytes, mount);
  }

  /** @returns the address of its `struct address_space` */
  file({ root = 0n, height = 1, bytes = 0, flags = 0, format = 2 }: FakeXfsFile): bigint {
    const inode = this.#disks.place(1024);
    const { i_df: fork } = offsets.xfs;
    this.#disks.put(inode, fork + offsets.fork.if_bytes, BigInt(bytes));
    this.#disks.put32(inode, fork + offsets.fork.if_height, height);
    this.#disks.put(inode, fork + offsets.fork.if_root, root);
    this.#disks.putBytes(inode, fork + offsets.fork.if_format, Buffer.of(format));
    this.#disks.putBytes(inode, offsets.xfs.i_diflags, Buffer.of(flags, 0));
    return this.#disks.inode(inode + BigInt(offsets.xfs.i_vnode), this.#superBlock);
  }

  /** A file whose root has all records. */
  small(records: readonly FakeRecord[]): bigint {
    return this.file({ root: this.leaf(records), bytes: records.length * 16 });
  }

  /** @returns the address of a leaf */
  leaf(records: readonly FakeRecord[]): bigint {
    return this.#disks.place(
      Buffer.concat([...records.map(extentRecord), Buffer.alloc(256)]).subarray(0, 256),
    );
  }

  /** @returns the address of a node above leaves */
  node(children: readonly { readonly key: number; readonly child: bigint }[]): bigint {
    const node = Buffer.alloc(256);
    for (let index = 0; index < 16; index++) {
      const { key, child } = children[index] ?? { key: undefined, child: 0n };
      node.writeBigUInt64LE(key === undefined ? 1n << 63n : BigInt(key), index * 8);
      node.writeBigUInt64LE(BigInt.asUintN(64, child), 128 + index * 8);
    }
    return this.#disks.place(node);
  }
}
