/** How a guest sees its disk. */
export type DiskBus = 'virtio-blk' | 'virtio-scsi' | 'sata' | 'nvme';
export type FileSystem = 'ext4' | 'xfs';

export interface GuestDisk {
  /** An image that both hosts see, or the URL of an export of it: `nbd://…`. */
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
  /**
   * `virtio-blk` by default. What the others need in the guest brings `diskHardware`. A QEMU with an NVMe disk cannot be
   * migrated.
   */
  readonly bus?: DiskBus;
  /** What the guest mounts; `ext4` by default. */
  readonly fileSystem?: FileSystem;
  /** Which partition has it; by default it is on the disk as a whole. */
  readonly partition?: number;
}

interface Bus {
  /** As QEMU takes them, in this order. */
  readonly devices: readonly string[];
  /** In the guest, below `/dev`. */
  readonly node: string;
  /** Between the node and the number of a partition. */
  readonly partitionMark: string;
  /** The drivers that the guest needs; those that are built into its kernel, too. */
  readonly modules: readonly string[];
}

const sd = { node: 'sda', partitionMark: '' } as const;

export const diskBuses = {
  'virtio-blk': {
    devices: ['virtio-blk-pci,drive=disk'],
    node: 'vda',
    partitionMark: '',
    modules: ['virtio_blk'],
  },
  'virtio-scsi': {
    devices: ['virtio-scsi-pci,id=scsi', 'scsi-hd,bus=scsi.0,drive=disk'],
    ...sd,
    modules: ['virtio_scsi', 'sd_mod'],
  },
  sata: {
    devices: ['ich9-ahci,id=sata', 'ide-hd,bus=sata.0,drive=disk'],
    ...sd,
    modules: ['ahci', 'sd_mod'],
  },
  nvme: {
    devices: ['nvme,drive=disk,serial=disk'],
    node: 'nvme0n1',
    partitionMark: 'p',
    modules: ['nvme'],
  },
} as const satisfies Record<DiskBus, Bus>;

/** QEMU's arguments for a disk. */
export function diskArguments({ path, format, bus = 'virtio-blk' }: GuestDisk): string[] {
  return [
    ...['-drive', `if=none,id=disk,file=${path},format=${format},cache=none`],
    ...diskBuses[bus].devices.flatMap((device) => ['-device', device]),
  ];
}

/** What the kernel hands on to the guest's first program, which mounts the disk; nothing for a disk as most are. */
export function diskKernelArguments({ bus = 'virtio-blk', fileSystem, partition }: GuestDisk): string[] {
  const { node, partitionMark }: Bus = diskBuses[bus];
  const usual = bus === 'virtio-blk' && partition === undefined;
  const device = partition === undefined ? node : `${node}${partitionMark}${partition}`;
  return [
    ...(usual ? [] : [`disk=${device}`]),
    ...(fileSystem === undefined ? [] : [`filesystem=${fileSystem}`]),
  ];
}
