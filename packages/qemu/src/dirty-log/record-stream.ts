import type { Socket } from 'node:net';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import { ReturnPathMessage } from '../stream/constants.js';
import { RamRecordParser } from './ram-record-parser.js';
import { ignoreRecords } from './record-sinks.js';

/** One read of the stream: Node's chunk size for sockets, bytes. A shorter one has emptied the socket. */
export const FULL_CHUNK_BYTES = 65_536;

export interface ReadOptions {
  readonly signal: AbortSignal;
  /** Asked after each chunk: whether what was wanted is there. */
  readonly done: (chunkBytes: number) => boolean;
  /** Asked after each chunk: while it is pending no more is read. */
  readonly pause?: () => Promise<void> | undefined;
  /** The guest is stopped, and the stream may end. */
  readonly finishing?: boolean;
}

/**
 * What QEMU writes, through a socket, to a parser. It flows while someone reads; otherwise QEMU waits. Once it has failed,
 * everything fails with the same error: `dirty-log`.
 */
export class RecordStream {
  readonly parser = new RamRecordParser(ignoreRecords, { holdAfterBlocks: true });
  #socket: Socket | undefined;
  #guestStopped = false;
  #ended = false;
  #failure: PageferryError | undefined;
  #onChunk: ((bytes: number) => void) | undefined;
  #onEnd: ((failure: PageferryError | undefined) => void) | undefined;
  #onStop: (() => void) | undefined;

  /** Whether QEMU has closed it, or it broke. */
  get ended(): boolean {
    return this.#ended;
  }

  /** What Node has read and the parser has not, bytes. */
  get readAheadBytes(): number {
    return this.#socket?.readableLength ?? 0;
  }

  /** @param socket paused; from now on the stream's own */
  open(socket: Socket): void {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      try {
        // What the chunk with the block list had behind it, and this one.
        if (this.parser.blocks.length > 0) this.parser.release();
        this.parser.push(chunk);
      } catch (thrown) {
        this.#end(asPageferryError(thrown, 'dirty-log'));
        socket.destroy();
        return;
      }
      this.#onChunk?.(chunk.length);
    });
    socket.on('error', (cause) => {
      this.#end(new PageferryError('dirty-log', `QEMU's stream broke: ${cause.message}`, { cause }));
    });
    socket.on('close', () => {
      this.#end(undefined);
    });
    socket.on('end', () => {
      this.#end(undefined);
    });
  }

  /** While the guest does not run only who is finishing may read: someone has stopped it. */
  guestRuns(runs: boolean): void {
    this.#guestStopped = !runs;
    if (!runs) this.#onStop?.();
  }

  /** Lets the stream flow until `done` says so; then pauses it, and with it QEMU. */
  async read({ signal, done, pause, finishing = false }: ReadOptions): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) throw new PageferryError('dirty-log', 'the dirty log is not open');
    signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#guestStopped && !finishing) throw stoppedBySomeoneElse();
    await new Promise<void>((resolve, reject) => {
      const settle = (failure?: unknown): void => {
        socket.pause();
        this.#onChunk = undefined;
        this.#onEnd = undefined;
        this.#onStop = undefined;
        signal.removeEventListener('abort', onAbort);
        if (failure === undefined) resolve();
        else reject(asPageferryError(failure, 'dirty-log'));
      };
      const onAbort = (): void => {
        settle(signal.reason);
      };
      signal.addEventListener('abort', onAbort);
      this.#onEnd = (failure) => {
        if (failure === undefined && finishing && done(0)) settle();
        else settle(failure ?? endedTooEarly());
      };
      if (!finishing) {
        this.#onStop = () => {
          settle(stoppedBySomeoneElse());
        };
      }
      this.#onChunk = (bytes) => {
        try {
          if (done(bytes)) {
            settle();
            return;
          }
          const waiting = pause?.();
          if (waiting === undefined) return;
          socket.pause();
          waiting.then(() => {
            if (this.#onChunk !== undefined) socket.resume();
          }, settle);
        } catch (thrown) {
          settle(thrown);
        }
      };
      if (this.#ended) this.#onEnd(this.#failure);
      else socket.resume();
    });
  }

  /** Tells QEMU, which waits for it, that its stream was well received. */
  acknowledge(): void {
    const shut = Buffer.alloc(8);
    shut.writeUInt16BE(ReturnPathMessage.shut, 0);
    shut.writeUInt16BE(4, 2);
    this.#socket?.write(shut);
  }

  /** Whoever reads, or will, gets the error, unless the stream has failed before. */
  close(failure: PageferryError): void {
    this.#failure ??= failure;
    this.#socket?.destroy();
  }

  #end(failure: PageferryError | undefined): void {
    this.#ended = true;
    this.#failure ??= failure;
    this.#onEnd?.(this.#failure);
  }
}

function endedTooEarly(): PageferryError {
  return new PageferryError(
    'dirty-log',
    'QEMU ended its stream early: was its migration cancelled, or did QEMU exit?',
  );
}

function stoppedBySomeoneElse(): PageferryError {
  return new PageferryError('dirty-log', 'the guest was stopped by someone else during the migration');
}
