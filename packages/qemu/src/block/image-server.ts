import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PageferryError, sleep, withTimeout } from '@pageferry/errors';
import type { DiskImage } from './disks.js';
import { imageArgument } from './image-argument.js';
import { NbdClient } from './nbd-client.js';
import { ServerProcess } from './server-process.js';

/** How the host caches the image: not at all if it can be helped, as another host may be writing to it. */
export type CacheMode = 'none' | 'writeback';

const START_TIMEOUT_MS = 10_000;
/** Between two looks whether the server is there, ms: shorter at first. */
const SHORTEST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;
/** Readers at once. */
const READERS = 4;

export interface ImageServerOptions {
  readonly image: DiskImage;
  /** For the socket: an absolute path, to which nobody else has access. */
  readonly directory: string;
  /** What a relative file name is relative to: QEMU's own working directory; `/` unless given. */
  readonly workingDirectory?: string | undefined;
  /** `qemu-nbd` of Debian's qemu-utils, from the PATH, unless given. */
  readonly program?: string | undefined;
  /** Connections that may be open at once, 4 unless given. */
  readonly readers?: number | undefined;
  /** 10 s unless given. */
  readonly startTimeoutMs?: number | undefined;
  /** For the start alone. */
  readonly signal?: AbortSignal | undefined;
}

let serversStarted = 0;

/**
 * Serves an image read-only, over NBD on a unix socket, while another QEMU has it open and maybe locked for writing.
 *
 * QEMU's own server, `qemu-nbd`, reads it: it knows every format, and each kind of storage that QEMU itself reaches. It may
 * have read a format's tables long ago, so of a qcow2 image that is written to blocks may be old, or another place's.
 *
 * Without `--persistent` it ends by itself with its last connection. This object keeps one as long as it lives, so that
 * the server does not outlive this process, however that ends; unless it is killed in the very moment in which the
 * server starts, before the first connection.
 */
export class ImageServer {
  readonly #process: ServerProcess;
  readonly #connection: NbdClient;
  readonly socketPath: string;
  /** `none`, unless the file system insists on the host's page cache. */
  readonly cache: CacheMode;
  #closing: Promise<void> | undefined;

  /**
   * Starts a server, and waits until it serves.
   * @throws `storage-unreadable` with what the server says, or the signal's reason
   */
  static async start(options: ImageServerOptions): Promise<ImageServer> {
    try {
      return await ImageServer.#start(options, 'none');
    } catch (thrown) {
      if (!(thrown instanceof PageferryError && thrown.message.includes('O_DIRECT'))) throw thrown;
      return ImageServer.#start(options, 'writeback');
    }
  }

  static async #start(options: ImageServerOptions, cache: CacheMode): Promise<ImageServer> {
    const { directory, workingDirectory = '/', program = 'qemu-nbd', readers = READERS, signal } = options;
    const { startTimeoutMs = START_TIMEOUT_MS } = options;
    signal?.throwIfAborted();
    const { filename, format } = imageArgument(options.image);
    const socketPath = join(directory, `image-${process.pid}-${++serversStarted}.sock`);
    await rm(socketPath, { force: true });
    const server = new ServerProcess({
      program,
      args: [
        ...['--read-only', `--socket=${socketPath}`, `--cache=${cache}`, `--shared=${readers + 1}`],
        ...(format === undefined ? [] : [`--format=${format}`]),
        ...['--', filename],
      ],
      directory: workingDirectory,
    });
    const slow = `${program} does not serve ${filename} within ${startTimeoutMs} ms`;
    try {
      const connection = await withTimeout(signal, startTimeoutMs, 'storage-unreadable', slow, (inner) =>
        connectWhenUp(server, socketPath, { signal: inner, timeoutMs: startTimeoutMs }),
      );
      return new ImageServer(server, connection, socketPath, cache);
    } catch (thrown) {
      await end(server, socketPath);
      throw thrown;
    }
  }

  private constructor(server: ServerProcess, connection: NbdClient, socketPath: string, cache: CacheMode) {
    this.#process = server;
    this.#connection = connection;
    this.socketPath = socketPath;
    this.cache = cache;
  }

  /** Of the disk, in bytes. */
  get size(): number {
    return this.#connection.size;
  }

  /** Resolves, and never rejects, when the server has ended, whoever ended it; with the reason. */
  get ended(): Promise<PageferryError> {
    return this.#process.ended;
  }

  /** Ends the server, and with it all connections. Never rejects; the same promise each time. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#connection.close();
    await this.#process.terminate();
    await end(this.#process, this.socketPath);
  }
}

async function connectWhenUp(
  server: ServerProcess,
  socketPath: string,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<NbdClient> {
  const { signal } = options;
  for (let pauseMs = SHORTEST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    // It listens before it opens the image, and is there to be asked once it has.
    const connection = await NbdClient.connect(socketPath, options).catch(() => undefined);
    if (connection !== undefined) return connection;
    signal.throwIfAborted();
    await Promise.race([server.ended, sleep(pauseMs, signal)]);
    if (server.failure !== undefined) throw server.failure;
  }
}

async function end(server: ServerProcess, socketPath: string): Promise<void> {
  await server.kill();
  await rm(socketPath, { force: true }).catch(() => undefined);
}
