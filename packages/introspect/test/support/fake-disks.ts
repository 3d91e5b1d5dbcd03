import { FakeImage } from './fake-image.js';
import { offsets } from './fake-file-types.js';
import { directMap, type FakeLinux, type FakeMemory, type FakePage } from './fake-linux.js';

/** Where in the guest's memory there is nothing else. */
const start = 9 * 2 ** 20;
const sectorBytes = 512;

/** A block device: the whole of a disk, or a partition. Addresses are the kernel's. */
export interface FakeDevice {
  readonly address: bigint;
  /** Of the pages that are cached of it. */
  readonly mapping: bigint;
}

export interface FakeDisk extends FakeDevice {
  readonly disk: bigint;
}

export interface FakeCachedPage {
  readonly frame: number;
  readonly mapping: bigint;
  readonly index: number;
  readonly flags?: readonly string[];
}

/** Writes into a kernel's memory what it has of disks and their file systems, each thing at the beginning of a page. */
export class FakeDisks {
  readonly #linux: FakeLinux;
  readonly #image: FakeImage;
  readonly #devices: bigint;
  #things = 0;

  constructor(memory: FakeMemory, linux: FakeLinux) {
    this.#linux = linux;
    this.#image = new FakeImage(memory.bytes, start, directMap + BigInt(start));
    this.#devices = this.fileSystem('bdev', 0x6264_6576, 0n, 4096);
  }

  disk(name: string, bytes: number): FakeDisk {
    const disk = this.place(512);
    this.putText(disk, offsets.disk.disk_name, name);
    const device = this.device(disk, 0, bytes);
    this.put(disk, offsets.disk.part0, device.address);
    return { disk, ...device };
  }

  /** @param start, bytes on its disk */
  device(disk: bigint, start: number, bytes: number): FakeDevice {
    const both = this.place(1024);
    const address = both + BigInt(offsets.deviceInode.bdev);
    this.put(address, offsets.device.bd_start_sect, BigInt(start / sectorBytes));
    this.put(address, offsets.device.bd_nr_sectors, BigInt(bytes / sectorBytes));
    this.put(address, offsets.device.bd_disk, disk);
    const mapping = this.inode(both + BigInt(offsets.deviceInode.vfs_inode), this.#devices);
    return { address, mapping };
  }

  /** @returns the address of its `struct super_block` */
  fileSystem(name: string, magic: number, device: bigint, blockBytes: number, own = 0n): bigint {
    const type = this.place(64);
    const text = this.place(64);
    this.putText(text, 3, name);
    this.put(type, offsets.type.name, text + 3n);
    const superBlock = this.place(1024);
    this.put(superBlock, offsets.superBlock.s_magic, BigInt(magic));
    this.put(superBlock, offsets.superBlock.s_type, type);
    this.put(superBlock, offsets.superBlock.s_bdev, device);
    this.put(superBlock, offsets.superBlock.s_blocksize, BigInt(blockBytes));
    this.put(superBlock, offsets.superBlock.s_fs_info, own);
    return superBlock;
  }

  /** Writes a `struct inode`; returns the address of the `struct address_space` in it. */
  inode(address: bigint, superBlock: bigint): bigint {
    const mapping = address + BigInt(offsets.inode.i_data);
    this.put(address, offsets.inode.i_sb, superBlock);
    this.put(mapping, offsets.mapping.host, address);
    return mapping;
  }

  /** A clean page of a file, unless its flags say otherwise. */
  cache({ frame, mapping, index, flags = ['lru', 'uptodate'] }: FakeCachedPage, more: FakePage = {}): void {
    this.#linux.writePage(frame, { flags, mapping, index, ...more });
  }

  /** Loads a module whose types are described by `btf`. */
  loadModule(name: string, btf: Uint8Array, first = this.#linux.types): void {
    const data = this.place(btf);
    const description = this.place(300);
    this.put(description, offsets.btf.data, data);
    this.put32(description, offsets.btf.data_size, btf.length);
    this.put32(description, offsets.btf.start_id, first.typeCount);
    this.put32(description, offsets.btf.start_str_off, first.stringBytes);
    this.putText(description, offsets.btf.name, name);
    const module = this.place(64);
    this.put(module, offsets.module.btf, description);
    const { image } = this.#linux;
    const head = image.physical('btf_modules');
    this.put(module, offsets.module.list, image.memory.readBigUInt64LE(head));
    image.put64(head, module + BigInt(offsets.module.list));
  }

  /** @returns the address of so many bytes, or of this content */
  place(content: number | Uint8Array): bigint {
    const name = String(this.#things++);
    this.#image.place(name, content);
    return this.#image.virtual(name);
  }

  put(address: bigint, offset: number, value: bigint): void {
    this.#image.put64(this.physical(address) + offset, value);
  }

  put32(address: bigint, offset: number, value: number): void {
    this.#image.memory.writeUInt32LE(value, this.physical(address) + offset);
  }

  putBytes(address: bigint, offset: number, bytes: Uint8Array): void {
    this.#image.memory.set(bytes, this.physical(address) + offset);
  }

  putText(address: bigint, offset: number, text: string): void {
    this.putBytes(address, offset, Buffer.from(`${text}\0`, 'latin1'));
  }

  physical(address: bigint): number {
    return Number(address - directMap);
  }
}
