import type { TypeInformation } from '../kernel/btf.js';
import type { Encodings } from '../kernel/encodings.js';
import { StructureLayout } from '../kernel/structure-layout.js';
import type { TypeSource } from '../kernel/type-source.js';
import { Unsupported } from '../unsupported.js';
import { ext4LayoutOf, type Ext4Layout } from './ext4-layout.js';
import { xfsLayoutOf, type XfsLayout } from './xfs-layout.js';

/** DISK_NAME_LEN, include/linux/blkdev.h. */
export const DISK_NAME_BYTES = 32;

/** Offsets, in bytes, of what all files have; `bytes` is what has to be read of a structure. */
export interface CommonLayout {
  /** `page.index`, in words of 32 bits. */
  readonly pageIndexWord: number;
  /** `struct inode`, with the `struct address_space` in it. */
  readonly inode: {
    readonly bytes: number;
    readonly superBlock: number;
    readonly mapping: number;
    readonly host: number;
  };
  readonly superBlock: {
    readonly bytes: number;
    readonly blockBytes: number;
    readonly magic: number;
    readonly type: number;
    readonly device: number;
    /** What the file system has of its own. */
    readonly own: number;
  };
  /** `struct file_system_type`. */
  readonly fileSystemType: { readonly bytes: number; readonly name: number };
  /** `struct block_device`. */
  readonly device: {
    readonly bytes: number;
    readonly start: number;
    readonly sectors: number;
    readonly disk: number;
    /** From its inode to it: both are in one `struct bdev_inode` (block/bdev.c). */
    readonly fromInode: number;
  };
  /** `struct gendisk`. */
  readonly disk: { readonly bytes: number; readonly name: number; readonly whole: number };
}

function commonLayoutOf(types: TypeInformation): CommonLayout {
  const layout = (name: string): StructureLayout => new StructureLayout(types.structure(name));
  const page = layout('page').offset('index', 8);
  const mapping = layout('address_space').offset('host', 8);
  const [inode, superBlock, type] = [layout('inode'), layout('super_block'), layout('file_system_type')];
  const [device, disk, both] = [layout('block_device'), layout('gendisk'), layout('bdev_inode')];
  const inodeMapping = inode.offset('i_data', mapping + 8);
  const inodeOffsets = {
    superBlock: inode.offset('i_sb', 8),
    mapping: inodeMapping,
    host: inodeMapping + mapping,
  };
  const superBlockOffsets = {
    blockBytes: superBlock.offset('s_blocksize', 8),
    magic: superBlock.offset('s_magic', 8),
    type: superBlock.offset('s_type', 8),
    device: superBlock.offset('s_bdev', 8),
    own: superBlock.offset('s_fs_info', 8),
  };
  const typeName = type.offset('name', 8);
  const deviceOffsets = {
    start: device.offset('bd_start_sect', 8),
    sectors: device.offset('bd_nr_sectors', 8),
    disk: device.offset('bd_disk', 8),
    fromInode: both.offset('bdev', 8) - both.offset('vfs_inode', 8),
  };
  const diskOffsets = { name: disk.offset('disk_name', DISK_NAME_BYTES, 1), whole: disk.offset('part0', 8) };
  return {
    pageIndexWord: page / 4,
    inode: { bytes: inode.bytes, ...inodeOffsets },
    superBlock: { bytes: superBlock.bytes, ...superBlockOffsets },
    fileSystemType: { bytes: type.bytes, name: typeName },
    device: { bytes: device.bytes, ...deviceOffsets },
    disk: { bytes: disk.bytes, ...diskOffsets },
  };
}

/** What has been looked up, for as long as the kernel runs. */
export interface FoundFileLayouts {
  common?: CommonLayout;
  ext4?: Ext4Layout | undefined;
  xfs?: XfsLayout | undefined;
}

/** Where the kernel and its file systems have what is to be known of a file. Each is looked up when it is first asked for. */
export class FileLayouts {
  readonly #source: TypeSource;
  readonly #encodings: Encodings;
  readonly found: FoundFileLayouts;
  /** While they are in use: they are megabytes. */
  #types: TypeInformation | undefined;

  /** @param found gets what is looked up */
  constructor(source: TypeSource, encodings: Encodings, found: FoundFileLayouts) {
    this.#source = source;
    this.#encodings = encodings;
    this.found = found;
  }

  /** @throws Unsupported */
  get common(): CommonLayout {
    return (this.found.common ??= commonLayoutOf(this.#kernelTypes));
  }

  /** Undefined if the guest's kernel does not say. */
  get ext4(): Ext4Layout | undefined {
    return (this.found.ext4 ??= this.#ofFileSystem('ext4', ext4LayoutOf));
  }

  get xfs(): XfsLayout | undefined {
    return (this.found.xfs ??= this.#ofFileSystem('xfs', (types) => xfsLayoutOf(types, this.#encodings)));
  }

  /** Forgets the descriptions of types, but not what was found in them. */
  release(): void {
    this.#types = undefined;
  }

  get #kernelTypes(): TypeInformation {
    return (this.#types ??= this.#source.readKernel());
  }

  /** A file system is built into the kernel, or a module. */
  #ofFileSystem<T>(name: string, find: (types: TypeInformation) => T): T | undefined {
    try {
      const kernel = this.#kernelTypes;
      return find(this.#source.readModule(name, kernel) ?? kernel);
    } catch (thrown) {
      if (thrown instanceof Unsupported) return undefined;
      throw thrown;
    }
  }
}
