import { REPLY_HEADER_BYTES, SIMPLE_REPLY_MAGIC, brokenProtocol } from './nbd-protocol.js';

/** Where a reply's data go: to the beginning of `buffer`. */
export interface NbdTarget {
  readonly buffer: Buffer;
  /** In bytes. */
  readonly length: number;
}

export interface NbdReplyListener {
  /**
   * A reply has begun.
   * @param error 0 for none: the data follow
   * @returns where they go; undefined if nothing follows
   * @throws `storage-unreadable` if no request has this handle
   */
  replied(turn: number, slot: number, error: number): NbdTarget | undefined;
  /** The data of the reply that had begun last are all there. */
  received(): void;
}

/**
 * Parses a server's simple replies, chunk by chunk, and copies their data straight to where they go. Error:
 * `storage-unreadable`, also from the listener; nothing may be pushed after one.
 */
export class NbdReplies {
  readonly #listener: NbdReplyListener;
  readonly #header = Buffer.alloc(REPLY_HEADER_BYTES);
  #headerBytes = 0;
  #target: NbdTarget | undefined;
  /** Bytes of the data that are there. */
  #filled = 0;
  #stopped = false;

  constructor(listener: NbdReplyListener) {
    this.#listener = listener;
  }

  /** Takes the bytes from `start` to `end` of a chunk. */
  push(chunk: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end && !this.#stopped) {
      if (this.#target !== undefined) at = this.#takeData(this.#target, chunk, at, end);
      else if (this.#headerBytes === 0 && end - at >= REPLY_HEADER_BYTES) {
        this.#begin(chunk, at);
        at += REPLY_HEADER_BYTES;
      } else at = this.#takeHeader(chunk, at, end);
    }
  }

  /** Nothing of what has come is wanted any more: also from within the listener. */
  stop(): void {
    this.#stopped = true;
  }

  #takeData(target: NbdTarget, chunk: Buffer, at: number, end: number): number {
    const taken = Math.min(target.length - this.#filled, end - at);
    chunk.copy(target.buffer, this.#filled, at, at + taken);
    this.#filled += taken;
    if (this.#filled === target.length) {
      this.#target = undefined;
      this.#listener.received();
    }
    return at + taken;
  }

  #takeHeader(chunk: Buffer, at: number, end: number): number {
    const taken = Math.min(REPLY_HEADER_BYTES - this.#headerBytes, end - at);
    chunk.copy(this.#header, this.#headerBytes, at, at + taken);
    this.#headerBytes += taken;
    if (this.#headerBytes === REPLY_HEADER_BYTES) {
      this.#headerBytes = 0;
      this.#begin(this.#header, 0);
    }
    return at + taken;
  }

  #begin(bytes: Buffer, at: number): void {
    if (bytes.readUInt32BE(at) !== SIMPLE_REPLY_MAGIC) {
      throw brokenProtocol('something other than a reply, or more data than were asked for');
    }
    const error = bytes.readUInt32BE(at + 4);
    this.#target = this.#listener.replied(bytes.readUInt32BE(at + 8), bytes.readUInt32BE(at + 12), error);
    this.#filled = 0;
  }
}
