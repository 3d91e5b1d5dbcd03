import { StructureReader } from '../memory/structure-reader.js';
import type { VirtualMemory } from '../memory/virtual-memory.js';
import { DISK_NAME_BYTES, type CommonLayout } from './file-layouts.js';
import type { GuestDisk } from './file-pages.js';

const SECTOR_BYTES = 512;
/** Their numbers have a byte, and one of these says that there is none. */
const MOST_DISKS = 255;
/** Partitions and disks; those of a guest that has more are not looked at. */
const MOST_DEVICES = 4096;
/**
 * Disks that hold themselves what is written to them: SCSI and SATA, virtio, NVMe, IDE, Xen, memory cards. What builds upon
 * other disks, or has a file or memory behind it, has other names (dm-0, md0, loop0, zram0, nbd0).
 */
const PLAIN_DISK = /^(?:sd[a-z]+|vd[a-z]+|hd[a-z]+|xvd[a-z]+|nvme\d+n\d+|mmcblk\d+)$/;

/** A disk or a partition of one. */
export interface Volume {
  /** Which one of the disks. */
  readonly disk: number;
  /** Where on it it begins, and how long it is, in bytes. */
  readonly start: number;
  readonly bytes: number;
}

/** The guest's plain disks, as far as somebody has asked for them. */
export class Disks {
  readonly list: GuestDisk[] = [];
  readonly #layout: CommonLayout;
  readonly #reader: StructureReader;
  readonly #volumes = new Map<number, Volume | undefined>();
  /** By the addresses of their `struct gendisk`s. */
  readonly #disks = new Map<number, number>();

  constructor(memory: VirtualMemory, layout: CommonLayout) {
    this.#layout = layout;
    this.#reader = new StructureReader(memory);
  }

  /** What a `struct block_device` is on; undefined if it is no plain disk's. */
  volumeOf(device: number): Volume | undefined {
    if (this.#volumes.has(device)) return this.#volumes.get(device);
    if (this.#volumes.size >= MOST_DEVICES) return undefined;
    const volume = this.#readVolume(device);
    this.#volumes.set(device, volume);
    return volume;
  }

  #readVolume(device: number): Volume | undefined {
    const { device: offsets } = this.#layout;
    if (!this.#reader.seek(device, offsets.bytes)) return undefined;
    const start = this.#reader.u64(offsets.start) * SECTOR_BYTES;
    const bytes = this.#reader.u64(offsets.sectors) * SECTOR_BYTES;
    const disk = this.#diskOf(this.#reader.pointer(offsets.disk));
    const whole = disk === undefined ? undefined : this.list[disk];
    if (disk === undefined || whole === undefined || start + bytes > whole.bytes) return undefined;
    return { disk, start, bytes };
  }

  #diskOf(address: number): number | undefined {
    const known = this.#disks.get(address);
    if (known !== undefined) return known;
    const disk = this.#readDisk(address);
    if (disk === undefined || this.list.length >= MOST_DISKS) return undefined;
    // Two of one name cannot be told apart.
    if (this.list.some(({ name }) => name === disk.name)) return undefined;
    this.#disks.set(address, this.list.length);
    this.list.push(disk);
    return this.list.length - 1;
  }

  #readDisk(address: number): GuestDisk | undefined {
    const { disk, device } = this.#layout;
    if (!this.#reader.seek(address, disk.bytes)) return undefined;
    const name = this.#reader.text(disk.name, DISK_NAME_BYTES);
    const whole = this.#reader.pointer(disk.whole);
    if (!PLAIN_DISK.test(name) || !this.#reader.seek(whole, device.bytes)) return undefined;
    const bytes = this.#reader.u64(device.sectors) * SECTOR_BYTES;
    const isWhole = this.#reader.u64(device.start) === 0;
    return isWhole && bytes > 0 && Number.isSafeInteger(bytes) ? { name, bytes } : undefined;
  }
}
