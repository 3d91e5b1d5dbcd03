import type { Logger } from '@pageferry/daemon';
import type { Disk } from '@pageferry/qemu';
import type { HashBytes } from '@pageferry/transfer';
import type { WireDisk } from '@pageferry/wire';
import { SharedDisk } from './shared-disk.js';

/** Takes what was wanted of disks. */
export interface BlockSink {
  /** What was wanted as `slot` is in `buffer`, from `offset` on, until this returns. */
  block(slot: number, buffer: Buffer, offset: number): void;
  /** What was wanted as `slot` cannot be had. */
  unreadable(slot: number): void;
  /** Ends a turn of calls; nothing more is read until what it answers resolves. */
  blocksEnd(): Promise<void> | undefined;
}

export interface SharedDisksOptions {
  /** For sockets; it must exist. */
  readonly directory: string;
  /** Of all disks together, bytes a second; 0 for no limit. */
  readonly bytesPerSecond: number;
  readonly hash: HashBytes;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** The disks of a guest that comes in, of which pages of its cache can be read. None is opened before something is wanted of it. */
export class SharedDisks {
  readonly hash: HashBytes;
  readonly #disks: readonly SharedDisk[];
  #sink: BlockSink | undefined;

  constructor(disks: readonly Disk[], options: SharedDisksOptions) {
    this.hash = options.hash;
    this.#disks = disks.map((disk) => new SharedDisk(disk, () => this.#sink, options));
  }

  /** As the waiting QEMU has them. */
  get disks(): Disk[] {
    return this.#disks.map(({ disk }) => disk);
  }

  /** What the source is told. */
  get names(): WireDisk[] {
    return this.#disks.map(({ disk: { name, size } }) => ({ name, bytes: size }));
  }

  /** bytes */
  get lengths(): number[] {
    return this.#disks.map(({ disk: { size } }) => size);
  }

  deliverTo(sink: BlockSink): void {
    this.#sink = sink;
  }

  /** Wants so many blocks of disk `number`: each as long as a page, at an offset in bytes. */
  want(number: number, slots: Uint32Array, offsets: Float64Array, count: number): void {
    this.#disks[number]?.want(slots, offsets, count);
  }

  async close(): Promise<void> {
    await Promise.all(this.#disks.map(async (disk) => disk.close()));
  }
}
