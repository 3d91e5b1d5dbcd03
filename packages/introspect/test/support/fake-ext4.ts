import type { FakeDevice, FakeDisks } from './fake-disks.js';
import { offsets } from './fake-file-types.js';

export interface FakeExtent {
  readonly start: number;
  readonly length: number;
  readonly block: number;
}

export interface FakeEntry {
  readonly start: number;
  /** Of the node below. */
  readonly block: number;
}

/** What the kernel remembers of an extent, by a name of its kinds. */
export interface FakeStatus extends FakeExtent {
  readonly kind?: keyof typeof kinds;
  readonly left?: bigint;
  readonly right?: bigint;
}

const kinds = { written: 1n, unwritten: 2n, delayed: 4n, hole: 8n, 'written and used': 17n } as const;
const extentsFlag = 0x8_0000;

/** A node of a tree of extents, be it a root of 60 bytes or a block. */
export function extentNode(
  bytes: number,
  depth: number,
  entries: readonly (FakeExtent | FakeEntry)[],
): Buffer {
  const node = Buffer.alloc(bytes);
  const header = [0xf30a, entries.length, Math.floor(bytes / 12) - 1, depth];
  for (const [index, value] of header.entries()) node.writeUInt16LE(value, index * 2);
  for (const [index, entry] of entries.entries()) {
    const at = 12 + index * 12;
    const [low, high] = [entry.block % 2 ** 32, Math.floor(entry.block / 2 ** 32)];
    node.writeUInt32LE(entry.start, at);
    if ('length' in entry) {
      node.writeUInt16LE(entry.length, at + 4);
      node.writeUInt16LE(high, at + 6);
      node.writeUInt32LE(low, at + 8);
    } else {
      node.writeUInt32LE(low, at + 4);
      node.writeUInt16LE(high, at + 8);
    }
  }
  return node;
}

export const extentRoot = (depth: number, entries: readonly (FakeExtent | FakeEntry)[]): Buffer =>
  extentNode(60, depth, entries);

/** An ext4 file system on a device. */
export class FakeExt4 {
  readonly #disks: FakeDisks;
  readonly #superBlock: bigint;

  constructor(disks: FakeDisks, device: FakeDevice, blockBytes = 4096, name = 'ext4') {
    this.#disks = disks;
    this.#superBlock = disks.fileSystem(name, 0xef53, device.address, blockBytes);
  }

  /**
   * @param root what the inode has in place of a block map
   * @param status the address of a `struct extent_status`
   * @returns the address of its `struct address_space`
   */
  file(root: Uint8Array, { flags = extentsFlag, status = 0n } = {}): bigint {
    const info = this.#disks.place(1024);
    this.#disks.putBytes(info, offsets.ext4.i_data, root);
    this.#disks.put(info, offsets.ext4.i_flags, BigInt(flags));
    this.#disks.put(info, offsets.ext4.i_es_tree, status);
    return this.#disks.inode(info + BigInt(offsets.ext4.vfs_inode), this.#superBlock);
  }

  /** @returns the address of a `struct extent_status` */
  status({ start, length, block, kind = 'written', left = 0n, right = 0n }: FakeStatus): bigint {
    const address = this.#disks.place(40);
    this.link(address, left, right);
    this.#disks.put32(address, offsets.status.es_lblk, start);
    this.#disks.put32(address, offsets.status.es_len, length);
    this.#disks.put(address, offsets.status.es_pblk, BigInt(block) | (kinds[kind] << 59n));
    return address;
  }

  link(status: bigint, left: bigint, right: bigint): void {
    this.#disks.put(status, offsets.node.rb_left, left);
    this.#disks.put(status, offsets.node.rb_right, right);
  }
}
