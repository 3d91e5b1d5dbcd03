/** A disk of the guest's, as a whole. */
export interface GuestDisk {
  /** As in the guest's /sys/block: `vda`. */
  readonly name: string;
  readonly bytes: number;
}

/**
 * Why a page is not mapped although it holds what is on a disk:
 *
 * - `filesystem`: its file is in a file system that is neither ext4 nor xfs.
 * - `encoding`: the disk has its content in another form (encrypted, within the inode, in blocks that are not next to each
 *   other), or says by other means than extents where it is.
 * - `noExtent`: its file has no block there, or none that is written, or the guest's memory does not say which.
 * - `device`: its file system is not on a plain disk, but on a device-mapper's, a RAID, a loop device...
 * - `inode`: what the kernel says of its file was not understood.
 */
export type UnmappedReason = 'filesystem' | 'encoding' | 'noExtent' | 'device' | 'inode';

/** Pages of 4096 bytes that hold what is on a disk. */
export interface FilePages {
  readonly kind: 'mapped';
  readonly disks: readonly GuestDisk[];
  /** Parallel arrays, an entry for each page, in ascending order: its number among all pages, as in the classes. */
  readonly places: Uint32Array;
  /** On which of the disks it is. */
  readonly disk: Uint8Array;
  /** Where on the whole disk its 4096 bytes begin, in bytes; a multiple of 512. */
  readonly offset: Float64Array;
  /** How many pages hold what is on a disk, but could not be mapped. */
  readonly unmapped: Readonly<Record<UnmappedReason, number>>;
}
