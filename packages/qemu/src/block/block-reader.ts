import { PageferryError } from '@pageferry/errors';
import { RateLimit } from '@pageferry/transfer';
import { BLOCK_BYTES, SECTOR_BYTES, sortOutPlaces, type BlockPlaces } from './block-places.js';
import { MAX_READ_BYTES, NbdClient, type NbdConnectOptions } from './nbd-client.js';
import { ReadPiece } from './read-piece.js';
import { ReadStatistics, type BlockReaderStatistics } from './read-statistics.js';
import { WantedBlocks } from './wanted-blocks.js';

const DEPTH = 8;
const READ_BYTES = 512 << 10;
const GAP_BYTES = 64 << 10;
const CAPACITY = 65_536;

export interface BlockReaderOptions extends Pick<NbdConnectOptions, 'timeoutMs'> {
  /**
   * A block is there: {@link BLOCK_BYTES} from `offset` in `buffer`, until the call returns. It must not throw; it may
   * call every method of the reader.
   */
  readonly onBlock: (id: number, buffer: Buffer, offset: number) => void;
  /** A block cannot be read: it is not in the image, the storage says no, or does not answer. Must not throw either. */
  readonly onFailed: (id: number, error: PageferryError) => void;
  /** The blocks of a read have been handed over, or failed; no further read begins until what it answers resolves. It must not throw. */
  readonly onReadEnd?: (() => Promise<void> | undefined) | undefined;
  /** Reads in flight at once, 8 unless given. */
  readonly depth?: number | undefined;
  /** The longest read, in bytes: 512 KiB unless given, at most 1 MiB. With `depth`, how much memory reading takes. */
  readonly readBytes?: number | undefined;
  /** So much between two blocks is read rather than left out, in bytes: 64 KiB unless given. */
  readonly gapBytes?: number | undefined;
  /** Blocks that may wait to be read, 65536 unless given. */
  readonly capacity?: number | undefined;
  /** See {@link BlockReader.limit}; 0 unless given. */
  readonly bytesPerSecond?: number | undefined;
  /** Closes the reader. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads blocks of an image that an NBD server has open ({@link ImageServer}): sorted by place, neighbours together,
 * several reads at once. While another QEMU writes to the image blocks may be old, or torn: whoever uses one must know
 * what has to be in it.
 */
export class BlockReader {
  readonly #client: NbdClient;
  readonly #options: BlockReaderOptions;
  readonly #wanted: WantedBlocks;
  /** Ids of wanted blocks that are not in the image. */
  #outside: number[] = [];
  readonly #pieces: readonly ReadPiece[];
  /** A stack of the pieces that are not in flight. */
  readonly #idle: ReadPiece[];
  readonly #limit: RateLimit;
  readonly #gapBytes: number;
  readonly #readBytes: number;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** That what was read is waited for. */
  #holds = 0;
  readonly #statistics = new ReadStatistics();

  /** Connects to an {@link ImageServer}'s socket. @throws `storage-unreadable`, or the signal's reason */
  static async open(socketPath: string, options: BlockReaderOptions): Promise<BlockReader> {
    const { depth = DEPTH, readBytes = READ_BYTES, timeoutMs, signal } = options;
    if (!(readBytes >= BLOCK_BYTES && readBytes <= MAX_READ_BYTES && readBytes % SECTOR_BYTES === 0)) {
      throw new RangeError(`reads of ${readBytes} bytes`);
    }
    const client = await NbdClient.connect(socketPath, { depth, timeoutMs, signal });
    return new BlockReader(client, { ...options, depth, readBytes });
  }

  private constructor(
    client: NbdClient,
    options: BlockReaderOptions & { readonly depth: number; readonly readBytes: number },
  ) {
    const { depth, readBytes, gapBytes = GAP_BYTES, capacity = CAPACITY, bytesPerSecond = 0 } = options;
    this.#client = client;
    this.#options = options;
    this.#wanted = new WantedBlocks(capacity);
    this.#gapBytes = gapBytes;
    this.#readBytes = readBytes;
    this.#limit = new RateLimit(bytesPerSecond);
    this.#pieces = Array.from({ length: depth }, () => new ReadPiece(readBytes, this.#finished));
    this.#idle = [...this.#pieces];
    options.signal?.addEventListener('abort', this.#onAbort);
    void client.closed.then(this.#advance);
    if (options.signal?.aborted === true) this.close();
  }

  /** Of the image, in bytes. */
  get size(): number {
    return this.#client.size;
  }

  /** Blocks that are still to come, or to fail. */
  get outstanding(): number {
    const waiting = this.#wanted.count + this.#outside.length;
    return this.#pieces.reduce((sum, { count }) => sum + count, waiting);
  }

  /** Blocks that may be added now. */
  get room(): number {
    return this.#wanted.room;
  }

  get statistics(): BlockReaderStatistics {
    return this.#statistics.standing(performance.now());
  }

  /**
   * Adds blocks to those that are to be read. For each of them `onBlock` or `onFailed` is called once, unless it is
   * dropped, and never before this method has returned; once the connection has ended they all fail.
   * @param places are copied; offsets are multiples of {@link SECTOR_BYTES}
   * @throws RangeError if there is not {@link room} for all of them; none is added then
   */
  want(places: BlockPlaces): void {
    if (this.#closed) return;
    const { inside, outside } = sortOutPlaces(places, this.size);
    this.#wanted.add(inside);
    for (const id of outside) this.#outside.push(id);
    queueMicrotask(this.#advance);
  }

  /** Forgets all blocks that are still to come; nothing is called for them. */
  dropAll(): void {
    this.#outside = [];
    this.#wanted.clear();
    for (const piece of this.#pieces) piece.count = 0;
  }

  /** Limits what is read from now on, gaps included, in bytes a second; 0 for no limit. */
  limit(bytesPerSecond: number): void {
    this.#limit.change(bytesPerSecond, performance.now());
    this.#read();
  }

  /** Ends the connection; nothing is called any more. */
  close(): void {
    this.#closed = true;
    this.dropAll();
    clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#client.close();
  }

  readonly #onAbort = (): void => {
    this.close();
  };

  /** Does what there is to do about blocks that wait: they are read, or fail. */
  readonly #advance = (): void => {
    const size = this.size;
    for (let id = this.#outside.pop(); id !== undefined; id = this.#outside.pop()) {
      this.#fail(
        id,
        new PageferryError('storage-unreadable', `a block that is not in an image of ${size} bytes`),
      );
    }
    const reason = this.#client.closeReason;
    if (reason === undefined) this.#read();
    else this.#failWaiting(reason);
  };

  /** Begins as many reads as there may be. */
  #read(): void {
    clearTimeout(this.#timer);
    const shape = { blockBytes: BLOCK_BYTES, gapBytes: this.#gapBytes, readBytes: this.#longestRead() };
    while (this.#holds === 0 && this.#wanted.count > 0 && this.#client.closeReason === undefined) {
      const piece = this.#idle.at(-1);
      if (piece === undefined) return;
      const now = performance.now();
      const waitMs = this.#limit.waitMs(now);
      if (waitMs > 0) {
        this.#timer = setTimeout(this.#advance, Math.ceil(waitMs));
        return;
      }
      this.#statistics.begun(now);
      this.#idle.pop();
      this.#wanted.take(piece, shape);
      piece.begunMs = now;
      this.#limit.sent(piece.length, now);
      this.#client.read(piece);
    }
  }

  /** Longer ones would break the limit over a second. */
  #longestRead(): number {
    const longest = Math.min(this.#readBytes, this.#limit.longestFrameBytes);
    return Math.max(BLOCK_BYTES, longest - (longest % SECTOR_BYTES));
  }

  readonly #finished = (piece: ReadPiece, error: PageferryError | undefined): void => {
    const now = performance.now();
    this.#statistics.ended(piece.begunMs, error === undefined ? piece.length : 0, now);
    if (error === undefined) {
      const { ids, places, buffer } = piece;
      // What is called may drop all blocks.
      for (let index = 0; index < piece.count; index++) {
        this.#statistics.blocks++;
        this.#options.onBlock(ids[index] ?? 0, buffer, places[index] ?? 0);
      }
    } else this.#failBlocksOf(piece, error);
    piece.count = 0;
    this.#idle.push(piece);
    this.#hold(this.#options.onReadEnd?.());
    this.#read();
  };

  #hold(until: Promise<void> | undefined): void {
    if (until === undefined) return;
    this.#holds++;
    void until.finally(() => {
      this.#holds--;
      this.#advance();
    });
  }

  #failWaiting(reason: PageferryError): void {
    const shape = { blockBytes: BLOCK_BYTES, gapBytes: this.#gapBytes, readBytes: this.#readBytes };
    const piece = this.#idle.pop();
    if (piece === undefined) throw new Error('unreachable: a connection ends after its reads');
    while (this.#wanted.take(piece, shape)) this.#failBlocksOf(piece, reason);
    piece.count = 0;
    this.#idle.push(piece);
  }

  #failBlocksOf(piece: ReadPiece, error: PageferryError): void {
    for (let index = 0; index < piece.count; index++) this.#fail(piece.ids[index] ?? 0, error);
  }

  #fail(id: number, error: PageferryError): void {
    this.#statistics.failedBlocks++;
    this.#options.onFailed(id, error);
  }
}
