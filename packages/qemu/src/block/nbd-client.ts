import { connect, type Socket } from 'node:net';
import { PageferryError, asPageferryError, withTimeout } from '@pageferry/errors';
import { NbdHandshake } from './nbd-handshake.js';
import { REQUEST_BYTES, encodeDisconnect, encodeGo, nameOfError, type NbdExport } from './nbd-protocol.js';
import { LOOKS, NbdReads, type NbdRead } from './nbd-reads.js';
import { NbdReplies, type NbdTarget } from './nbd-replies.js';

/** A read may be that long, in bytes. */
export const MAX_READ_BYTES = 1 << 20;

/** Longest path of a unix socket on Linux, in bytes: sun_path is 108 with its zero. Node cuts longer ones off. */
const MAX_PATH_LENGTH = 107;
/** One read of the socket, bytes: about as many as Linux keeps in one. */
const CHUNK_BYTES = 256 << 10;
/** As many requests as QEMU's server takes from a connection at once (`MAX_NBD_REQUESTS`, `nbd/server.c`). */
const DEPTH = 16;
const TIMEOUT_MS = 10_000;

export interface NbdConnectOptions {
  /** Of the export; the server's default unless given. */
  readonly exportName?: string | undefined;
  /** Reads that may be in flight at once, 16 unless given. */
  readonly depth?: number | undefined;
  /** For connecting and negotiating, and then (or up to a quarter more) for each read, 10 s unless given. */
  readonly timeoutMs?: number | undefined;
  /** For connecting and negotiating. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A connection to an NBD server on a unix socket, to read from it. Replies come in any order. All errors are
 * `storage-unreadable`; those of a single read leave the connection as it was, all others end it.
 */
export class NbdClient {
  readonly #socket: Socket;
  readonly #path: string;
  readonly #handshake: NbdHandshake;
  readonly #replies: NbdReplies;
  readonly #reads: NbdReads;
  /** Requests that are sent together. */
  readonly #requests: Buffer;
  #requestBytes = 0;
  readonly #watchdog: NodeJS.Timeout;
  readonly #timeoutMs: number;
  /** The slot of the reply whose data come. */
  #current = 0;
  #export: NbdExport | undefined;
  #agree: (nbdExport: NbdExport) => void = () => undefined;
  #closeReason: PageferryError | undefined;
  #resolveClosed: (reason: PageferryError) => void = () => undefined;

  /** Resolves, and never rejects, when the connection has ended, whoever ended it; with the reason. */
  readonly closed: Promise<PageferryError>;

  /** Connects and negotiates. @throws `storage-unreadable`, or the signal's reason */
  static async connect(socketPath: string, options: NbdConnectOptions = {}): Promise<NbdClient> {
    const { signal, exportName = '', timeoutMs = TIMEOUT_MS } = options;
    signal?.throwIfAborted();
    if (socketPath === '' || Buffer.byteLength(socketPath) > MAX_PATH_LENGTH) {
      throw failure(socketPath, `a path has 1 to ${MAX_PATH_LENGTH} bytes`);
    }
    const client = new NbdClient(socketPath, exportName, options);
    const slow = `the NBD server ${socketPath} has not answered within ${timeoutMs} ms`;
    try {
      client.#export = await withTimeout(signal, timeoutMs, 'storage-unreadable', slow, () =>
        client.#negotiate(),
      );
      return client;
    } catch (thrown) {
      client.close();
      throw thrown;
    }
  }

  private constructor(path: string, exportName: string, options: NbdConnectOptions) {
    const { depth = DEPTH, timeoutMs = TIMEOUT_MS } = options;
    this.#path = path;
    this.#reads = new NbdReads(depth);
    this.#requests = Buffer.alloc(depth * REQUEST_BYTES);
    this.#timeoutMs = timeoutMs;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#handshake = new NbdHandshake({
      greeted: () => this.#socket.write(encodeGo(exportName)),
      agreed: (nbdExport) => {
        this.#agree(nbdExport);
      },
    });
    this.#replies = new NbdReplies({
      replied: (turn, slot, error) => this.#replied(turn, slot, error),
      received: () => {
        this.#reads.finish(this.#current, undefined);
      },
    });
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.#socket = connect({
      path,
      // One buffer for all that comes, and no stream in between.
      onread: {
        buffer: chunk,
        callback: (bytes) => {
          this.#receive(chunk, bytes);
          return true;
        },
      },
    });
    this.#socket.once('error', (cause) => {
      this.#end(failure(path, cause.message, cause));
    });
    this.#socket.once('close', () => {
      this.#end(failure(path, 'the server has closed the connection'));
    });
    this.#watchdog = setInterval(() => {
      this.#look();
    }, timeoutMs / LOOKS).unref();
  }

  /** Of the export, in bytes. */
  get size(): number {
    return this.#negotiated.size;
  }

  get readOnly(): boolean {
    return this.#negotiated.readOnly;
  }

  /** Why the connection has ended; undefined as long as it has not. */
  get closeReason(): PageferryError | undefined {
    return this.#closeReason;
  }

  /**
   * Begins a read; those of one turn of the event loop are sent together.
   * @throws RangeError for more reads than may be in flight, too long ones, and those that are not within the export;
   *   the reason once the connection has ended
   */
  read(read: NbdRead): void {
    if (this.#closeReason !== undefined) throw this.#closeReason;
    const { offset, length, buffer } = read;
    if (!(length > 0 && length <= MAX_READ_BYTES && length <= buffer.length)) {
      throw new RangeError(`a read of ${length} bytes into ${buffer.length}`);
    }
    if (!(offset >= 0 && offset + length <= this.size)) {
      throw new RangeError(`${length} bytes at ${offset} are not in an export of ${this.size}`);
    }
    // Not before the server answers what it was not sent.
    if (this.#requestBytes === this.#requests.length) this.#send();
    this.#reads.begin(read, this.#requests, this.#requestBytes);
    if (this.#requestBytes === 0) queueMicrotask(this.#send);
    this.#requestBytes += REQUEST_BYTES;
  }

  /** Ends the connection at once: reads in flight fail. */
  close(): void {
    if (this.#closeReason === undefined && this.#export !== undefined) this.#socket.write(encodeDisconnect());
    this.#end(failure(this.#path, 'the connection was closed'));
  }

  get #negotiated(): NbdExport {
    if (this.#export === undefined) throw new Error('unreachable: connect() waits for it');
    return this.#export;
  }

  #negotiate(): Promise<NbdExport> {
    return new Promise((resolve, reject) => {
      this.#agree = resolve;
      void this.closed.then(reject);
    });
  }

  /** The buffer may be used again before these bytes are gone: hence the copy. */
  readonly #send = (): void => {
    if (this.#closeReason !== undefined || this.#requestBytes === 0) return;
    this.#socket.write(Buffer.from(this.#requests.subarray(0, this.#requestBytes)));
    this.#requestBytes = 0;
  };

  #receive(chunk: Buffer, bytes: number): void {
    if (this.#closeReason !== undefined) return;
    try {
      const start = this.#handshake.push(chunk, 0, bytes);
      this.#replies.push(chunk, start, bytes);
    } catch (thrown) {
      this.#end(asPageferryError(thrown));
    }
  }

  #replied(turn: number, slot: number, error: number): NbdTarget | undefined {
    const read = this.#reads.find(turn, slot);
    this.#current = slot;
    if (error === 0) return read;
    const { length, offset } = read;
    this.#reads.finish(slot, failure(this.#path, `${length} bytes at ${offset}: ${nameOfError(error)}`));
    return undefined;
  }

  /** Counts looks, not time: while this process itself does not get on, no read is late. */
  #look(): void {
    if (!this.#reads.look()) return;
    this.#end(failure(this.#path, `the storage has not answered a read within ${this.#timeoutMs} ms`));
  }

  #end(reason: PageferryError): void {
    if (this.#closeReason !== undefined) return;
    this.#closeReason = reason;
    clearInterval(this.#watchdog);
    this.#replies.stop();
    // A destroyed socket may still report the error that it was destroyed for.
    this.#socket.on('error', () => undefined);
    this.#socket.destroy();
    this.#reads.finishAll(reason);
    this.#resolveClosed(reason);
  }
}

function failure(path: string, why: string, cause?: unknown): PageferryError {
  return new PageferryError('storage-unreadable', `the NBD server ${path}: ${why}`, { cause });
}
