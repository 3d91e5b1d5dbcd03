import { PageferryError } from '@pageferry/errors';
import {
  GREETING_BYTES,
  MAX_OPTION_REPLY_BYTES,
  OPTION_REPLY_HEADER_BYTES,
  OptionReply,
  brokenProtocol,
  checkGreeting,
  parseInformation,
  parseOptionReply,
  type NbdExport,
} from './nbd-protocol.js';

export interface NbdHandshakeListener {
  /** What is there is an NBD server: it waits for `encodeGo`. */
  greeted(): void;
  /** The negotiation is over, and requests may be sent. */
  agreed(nbdExport: NbdExport): void;
}

/** Parses what a server says before it takes requests, chunk by chunk. Error: `storage-unreadable`. */
export class NbdHandshake {
  readonly #listener: NbdHandshakeListener;
  /** The message that has begun and not ended. */
  readonly #message = Buffer.alloc(MAX_OPTION_REPLY_BYTES);
  #bytes = 0;
  #needed = GREETING_BYTES;
  #part: 'greeting' | 'header' | 'data' | 'over' = 'greeting';
  #type = 0;
  #export: NbdExport | undefined;

  constructor(listener: NbdHandshakeListener) {
    this.#listener = listener;
  }

  /** Takes the bytes from `start` to `end` of a chunk; returns where those begin that come after the negotiation. */
  push(chunk: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && this.#part !== 'over') {
      const taken = Math.min(this.#needed - this.#bytes, end - at);
      chunk.copy(this.#message, this.#bytes, at, at + taken);
      this.#bytes += taken;
      at += taken;
      if (this.#bytes < this.#needed) break;
      this.#bytes = 0;
      this.#take(this.#message.subarray(0, this.#needed));
    }
    return at;
  }

  #take(bytes: Buffer): void {
    if (this.#part === 'data') {
      this.#takeReply(bytes);
      return;
    }
    if (this.#part === 'greeting') {
      checkGreeting(bytes);
      this.#expect('header', OPTION_REPLY_HEADER_BYTES);
      this.#listener.greeted();
      return;
    }
    const { type, length } = parseOptionReply(bytes);
    this.#type = type;
    this.#expect('data', length);
    if (length === 0) this.#takeReply(bytes.subarray(0, 0));
  }

  #takeReply(data: Buffer): void {
    if (this.#type >= OptionReply.errors) {
      const text = JSON.stringify(data.toString('utf8', 0, 500));
      throw new PageferryError(
        'storage-unreadable',
        `the NBD server refuses (error ${this.#type - OptionReply.errors}): ${text}`,
      );
    }
    switch (this.#type) {
      case OptionReply.information:
        this.#export = parseInformation(data) ?? this.#export;
        this.#expect('header', OPTION_REPLY_HEADER_BYTES);
        return;
      case OptionReply.acknowledged:
        if (this.#export === undefined) throw brokenProtocol('no size of the export');
        this.#part = 'over';
        this.#listener.agreed(this.#export);
        return;
      default:
        throw brokenProtocol(`a reply of type ${this.#type} to an option`);
    }
  }

  #expect(part: 'header' | 'data', bytes: number): void {
    this.#part = part;
    this.#needed = bytes;
  }
}
