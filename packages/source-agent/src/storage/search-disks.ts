import type { Logger } from '@pageferry/daemon';
import { asPageferryError, sleep, type PageferryError } from '@pageferry/errors';
import type { GuestDisk } from '@pageferry/introspect';
import { BLOCK_BYTES, BlockReader, ImageServer, listDisks, type Disk, type QmpClient } from '@pageferry/qemu';
import type { PageSet } from '@pageferry/transfer';
import type { WireDisk } from '@pageferry/wire';
import type { FlowControl } from '../flow-control.js';
import type { ContentMap } from './content-map.js';
import type { FilePageMap } from './file-page-map.js';

/** Between two looks at what the link does, ms. */
const PAUSE_MS = 100;
/** Less than this is not worth a search: what remains to be sent takes so long, s. */
const SHORTEST_SECONDS = 2;
/** The search takes at most this share of the time that what remains would take: later nothing is gained by it. */
const SEARCH_SHARE = 0.5;
/** Blocks that are wanted at once: 32 MiB. */
const BATCH_BLOCKS = 8192;
/** Reads in flight at once: the guest's own reads come first. */
const DEPTH = 2;

export interface DiskSearch {
  readonly qmp: QmpClient;
  readonly contents: ContentMap;
  /** Pages that the destination lacks. */
  readonly pending: PageSet;
  readonly flow: Pick<FlowControl, 'wasFullWithin' | 'bytesPerSecond'>;
  /** The destination's. */
  readonly disks: readonly WireDisk[];
  /** For sockets; it exists. */
  readonly directory: string;
  /** Most that is read; bytes a second. */
  readonly bytesPerSecond: number;
  /** Hears of what was found, several times. */
  readonly mapped: (map: FilePageMap) => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Searches the disks of a guest, of which nothing is known, for what its pages have: as soon as the link is full, and for as long as
 * that pays. Errors: those of QMP, `memory-unreadable`, `storage-unreadable`, what the signal was aborted with.
 */
export async function searchDisks(search: DiskSearch): Promise<void> {
  const { qmp, contents, pending, disks, mapped, log, signal } = search;
  const mostBytes = await worthReading(search);
  const local = (await listDisks(qmp, { signal })).filter(({ size }) =>
    disks.some(({ bytes }) => bytes === size),
  );
  if (mostBytes === 0 || local.length === 0) {
    log.info({ mostBytes, disks: local.length }, "the guest's disks are not searched for its pages");
    return;
  }
  const begun = performance.now();
  await contents.addPages(pending, signal);
  let left = mostBytes;
  let tellAt = BATCH_BLOCKS;
  let seen = 0;
  for (const disk of local) {
    left -= await readDisk(search, disk, left, (blocks) => {
      seen += blocks;
      // Each map is a copy of all that was found: few of them are made.
      if (seen < tellAt) return;
      tellAt = seen * 2;
      mapped(contents.map);
    });
  }
  mapped(contents.map);
  const found = contents.map.pages.count;
  log.info(
    { pages: found, readBytes: mostBytes - left, searchMs: performance.now() - begun },
    "the guest's disks were searched for its pages",
  );
}

/** Waits until the link is full; answers how many bytes of disks it then pays to read, 0 for none. */
async function worthReading({ flow, pending, bytesPerSecond, signal }: DiskSearch): Promise<number> {
  for (;;) {
    await sleep(PAUSE_MS, signal);
    if (flow.bytesPerSecond === undefined || !flow.wasFullWithin(PAUSE_MS)) continue;
    const seconds = (pending.count * BLOCK_BYTES) / flow.bytesPerSecond;
    return seconds < SHORTEST_SECONDS ? 0 : Math.floor(seconds * SEARCH_SHARE * bytesPerSecond);
  }
}

/**
 * Reads a disk from its beginning, as long as there are pages to be found.
 * @param most bytes
 * @returns bytes that were read
 */
async function readDisk(
  { contents, directory, bytesPerSecond, signal, log }: DiskSearch,
  image: Disk,
  most: number,
  onBatch: (blocks: number) => void,
): Promise<number> {
  const disk: GuestDisk = { name: image.name, bytes: image.size };
  const server = await ImageServer.start({ image, directory, readers: 1, signal });
  try {
    const blocks = Math.floor(Math.min(most, server.size) / BLOCK_BYTES);
    const batch = new Batch(contents, disk);
    const reader = await BlockReader.open(server.socketPath, {
      ...batch.options,
      depth: DEPTH,
      bytesPerSecond,
      signal,
    });
    let first = 0;
    try {
      for (; first < blocks && contents.unfoundPages > 0; first += batch.size) {
        await batch.read(reader, first, Math.min(BATCH_BLOCKS, blocks - first), signal);
        onBatch(batch.size);
      }
    } finally {
      reader.close();
    }
    return first * BLOCK_BYTES;
  } catch (thrown) {
    signal.throwIfAborted();
    log.info({ err: asPageferryError(thrown), disk: disk.name }, 'a disk of the guest cannot be searched');
    return 0;
  } finally {
    await server.close();
  }
}

/** Blocks one after the other, which are waited for together. */
class Batch {
  readonly #contents: ContentMap;
  readonly #disk: GuestDisk;
  readonly #offsets = new Float64Array(BATCH_BLOCKS);
  readonly #ids = new Uint32Array(BATCH_BLOCKS);
  /** Of the one that was read last, blocks. */
  size = 0;
  #left = 0;
  #failure: PageferryError | undefined;
  #ended: () => void = () => undefined;

  constructor(contents: ContentMap, disk: GuestDisk) {
    this.#contents = contents;
    this.#disk = disk;
    for (let index = 0; index < BATCH_BLOCKS; index++) this.#ids[index] = index;
  }

  readonly options = {
    onBlock: (id: number, buffer: Buffer, offset: number): void => {
      this.#contents.addBlock(this.#disk, this.#offsets[id] ?? 0, buffer, offset);
      this.#settle();
    },
    onFailed: (_id: number, error: PageferryError): void => {
      this.#failure ??= error;
      this.#settle();
    },
  };

  /** Error: `storage-unreadable`. */
  async read(reader: BlockReader, first: number, count: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.size = count;
    this.#left = count;
    for (let index = 0; index < count; index++) this.#offsets[index] = (first + index) * BLOCK_BYTES;
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
      // Nothing is called any more once the reader has been closed.
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
    });
    reader.want({ offsets: this.#offsets, ids: this.#ids, count });
    await ended;
    signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #settle(): void {
    if (--this.#left === 0) this.#ended();
  }
}
