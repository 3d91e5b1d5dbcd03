import { StructureReader } from '../memory/structure-reader.js';
import type { VirtualMemory } from '../memory/virtual-memory.js';
import { deviceFiles } from './device-files.js';
import type { Disks } from './disks.js';
import { openExt4 } from './ext4.js';
import type { CommonLayout, FileLayouts } from './file-layouts.js';
import type { UnmappedReason } from './file-pages.js';
import type { FileSystem } from './file-system.js';
import type { Metadata } from './metadata.js';
import { openXfs } from './xfs.js';

/** Of one guest; what is on others is not looked at. */
const MOST_FILE_SYSTEMS = 4096;
const MOST_NAME_BYTES = 8;

/** include/uapi/linux/magic.h, fs/xfs/libxfs/xfs_format.h. */
const magic = { ext4: 0xef53, xfs: 0x5846_5342, devices: 0x6264_6576 } as const;

/** The guest's file systems, as far as somebody has asked for them. */
export class FileSystems {
  readonly #memory: VirtualMemory;
  readonly #layouts: FileLayouts;
  readonly #layout: CommonLayout;
  readonly #disks: Disks;
  readonly #metadata: Metadata;
  readonly #reader: StructureReader;
  readonly #inodes: StructureReader;
  readonly #known = new Map<number, FileSystem | UnmappedReason>();

  /** @param inodes by which files' inodes are read: one after the other, from the lowest address on */
  constructor(
    memory: VirtualMemory,
    layouts: FileLayouts,
    disks: Disks,
    metadata: Metadata,
    inodes: StructureReader,
  ) {
    this.#memory = memory;
    this.#layouts = layouts;
    this.#layout = layouts.common;
    this.#disks = disks;
    this.#metadata = metadata;
    this.#reader = new StructureReader(memory);
    this.#inodes = inodes;
  }

  /** @param superBlock the address of a `struct super_block` */
  of(superBlock: number): FileSystem | UnmappedReason {
    const known = this.#known.get(superBlock);
    if (known !== undefined) return known;
    if (this.#known.size >= MOST_FILE_SYSTEMS) return 'filesystem';
    const found = this.#open(superBlock);
    this.#known.set(superBlock, found);
    return found;
  }

  #open(superBlock: number): FileSystem | UnmappedReason {
    const { superBlock: offsets } = this.#layout;
    const reader = this.#reader;
    if (!reader.seek(superBlock, offsets.bytes)) return 'inode';
    const mark = reader.u64(offsets.magic);
    const blockBytes = reader.u64(offsets.blockBytes);
    const device = reader.pointer(offsets.device);
    const own = reader.pointer(offsets.own);
    const type = reader.pointer(offsets.type);
    const name = this.#nameOf(type);

    if (mark === magic.devices && name === 'bdev') return deviceFiles(this.#layout, this.#disks);
    const isExt4 = mark === magic.ext4 && name === 'ext4';
    if (!isExt4 && !(mark === magic.xfs && name === 'xfs')) return 'filesystem';
    const volume = this.#disks.volumeOf(device);
    if (volume === undefined) return 'device';
    const memory = this.#memory;
    if (isExt4) {
      const { ext4 } = this.#layouts;
      if (ext4 === undefined) return 'filesystem';
      const nodes = this.#metadata.blocksOf(device, blockBytes);
      return openExt4({ layout: ext4, memory, inodes: this.#inodes, volume, blockBytes, nodes });
    }
    const { xfs } = this.#layouts;
    if (xfs === undefined) return 'filesystem';
    return openXfs({ layout: xfs, memory, inodes: this.#inodes, volume, mount: own });
  }

  /** As mount says it: other drivers have the same marks, but nothing else in common. */
  #nameOf(type: number): string {
    const { fileSystemType } = this.#layout;
    if (!this.#reader.seek(type, fileSystemType.bytes)) return '';
    const bytes = Buffer.alloc(MOST_NAME_BYTES);
    if (!this.#memory.read(this.#reader.address(fileSystemType.name), bytes)) return '';
    const end = bytes.indexOf(0);
    return end === -1 ? '' : bytes.toString('latin1', 0, end);
  }
}
