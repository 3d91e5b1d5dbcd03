import type { Logger } from '@pageferry/daemon';
import { asPageferryError, type PageferryError } from '@pageferry/errors';
import { BlockReader, ImageServer, type Disk } from '@pageferry/qemu';
import type { BlockSink, SharedDisksOptions } from './shared-disks.js';

/** Blocks that are wanted, as of `BlockReader`. */
interface Wanted {
  readonly ids: Uint32Array;
  readonly offsets: Float64Array;
  readonly count: number;
}

/** A disk that is opened, by a qemu-nbd of its own, when something is wanted of it for the first time. */
export class SharedDisk {
  readonly disk: Disk;
  readonly #sink: () => BlockSink | undefined;
  readonly #options: SharedDisksOptions;
  readonly #log: Logger;
  readonly #scope = new AbortController();
  #opening: Promise<void> | undefined;
  #server: ImageServer | undefined;
  #reader: BlockReader | undefined;
  #failure: PageferryError | undefined;
  /** Until it is open. */
  #early: Wanted[] = [];

  constructor(disk: Disk, sink: () => BlockSink | undefined, options: SharedDisksOptions) {
    this.disk = disk;
    this.#sink = sink;
    this.#options = options;
    this.#log = options.log;
  }

  /** Each of the blocks goes to the sink once, or is told to be unreadable; never before this returns. */
  want(ids: Uint32Array, offsets: Float64Array, count: number): void {
    if (this.#reader !== undefined) {
      this.#reader.want({ ids, offsets, count });
      return;
    }
    this.#early.push({ ids: ids.slice(0, count), offsets: offsets.slice(0, count), count });
    if (this.#failure !== undefined) queueMicrotask(this.#failEarly);
    else this.#opening ??= this.#open();
  }

  async close(): Promise<void> {
    this.#scope.abort();
    await this.#opening;
    if (this.#reader !== undefined) {
      const { disk } = this;
      this.#log.info(
        { disk: disk.name, reads: this.#reader.statistics },
        'nothing is read of a shared disk any more',
      );
    }
    this.#reader?.close();
    await this.#server?.close();
  }

  async #open(): Promise<void> {
    const { directory, bytesPerSecond } = this.#options;
    const signal = AbortSignal.any([this.#scope.signal, this.#options.signal]);
    try {
      this.#server = await ImageServer.start({ image: this.disk, directory, signal });
      this.#reader = await BlockReader.open(this.#server.socketPath, {
        bytesPerSecond,
        onBlock: (slot, buffer, offset) => this.#sink()?.block(slot, buffer, offset),
        onFailed: (slot) => this.#sink()?.unreadable(slot),
        onReadEnd: () => this.#sink()?.blocksEnd(),
        signal,
      });
      this.#log.info({ disk: this.disk }, 'pages of cache can be read of a disk');
      for (const wanted of this.#early.splice(0)) this.#reader.want(wanted);
    } catch (thrown) {
      this.#failure = asPageferryError(thrown);
      if (!signal.aborted) {
        this.#log.warn(
          { err: thrown, disk: this.disk },
          'a disk cannot be read: page cache comes from the source',
        );
      }
      this.#failEarly();
    }
  }

  readonly #failEarly = (): void => {
    const sink = this.#sink();
    for (const { ids } of this.#early.splice(0)) for (const slot of ids) sink?.unreadable(slot);
    void sink?.blocksEnd();
  };
}
