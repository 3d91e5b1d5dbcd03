import { PageferryError } from '@pageferry/errors';
import { ReturnPathMessage } from '../stream/constants.js';

/** What the destination's QEMU says on the return path (`migration/migration.c`, `source_return_path_thread`). */
export interface ReturnPathListener {
  /** QEMU has loaded the whole stream; anything but 0 is its word for a failure. */
  shut(result: number): void;
  pong(value: number): void;
  /** The guest, or QEMU, waits for these bytes. The same page may be asked for twice. */
  requestPages(blockName: string, address: number, bytes: number): void;
  /** Which pages of the block QEMU has: one bit a page, lowest bit first. */
  receivedPages(blockName: string, bitmap: Buffer): void;
  /** QEMU goes on with a post-copy that was paused. */
  resumed(): void;
}

const HEADER_BYTES = 4;
const MAX_MESSAGE_BYTES = 512;
const TWO_TO_32 = 2 ** 32;
/** `RAMBLOCK_RECV_BITMAP_ENDING`, `migration/ram.c` */
const BITMAP_END = Buffer.from('0123456789abcdef', 'hex');
/** One bit for each page of 16 TiB. */
const MAX_BITMAP_BYTES = 512 * 1024 * 1024;

/** Parses the return path, chunk by chunk. Error: `incoming-failed` for what no QEMU sends. */
export class ReturnPathParser {
  readonly #listener: ReturnPathListener;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Bytes without which there is nothing to do. */
  #needed = HEADER_BYTES;
  #lastBlock: string | undefined;

  constructor(listener: ReturnPathListener) {
    this.#listener = listener;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return;
    let data = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    for (;;) {
      this.#needed = messageBytes(data);
      if (data.length < this.#needed) break;
      this.#message(data.subarray(0, this.#needed));
      data = data.subarray(this.#needed);
    }
    this.#chunks = data.length === 0 ? [] : [Buffer.from(data)];
    this.#bytes = data.length;
  }

  #message(message: Buffer): void {
    const type = message.readUInt16BE(0);
    const bodyEnd = HEADER_BYTES + message.readUInt16BE(2);
    const body = message.subarray(HEADER_BYTES, bodyEnd);
    switch (type) {
      case ReturnPathMessage.shut:
        this.#listener.shut(u32(body, 0));
        return;
      case ReturnPathMessage.pong:
        this.#listener.pong(u32(body, 0));
        return;
      case ReturnPathMessage.requestPagesWithName: {
        const length = body[12];
        if (length === undefined || body.length !== 13 + length)
          throw unexpected('a page request of a wrong length');
        this.#lastBlock = body.toString('utf8', 13);
        this.#request(body);
        return;
      }
      case ReturnPathMessage.requestPages:
        this.#request(body);
        return;
      case ReturnPathMessage.receivedBitmap: {
        if (!message.subarray(-8).equals(BITMAP_END)) throw unexpected('a bitmap without its end mark');
        this.#listener.receivedPages(body.toString('utf8', 1), message.subarray(bodyEnd + 8, -8));
        return;
      }
      case ReturnPathMessage.resumeAck:
        this.#listener.resumed();
        return;
      case ReturnPathMessage.switchoverAck:
        return;
      default:
        throw unexpected(`a message of type ${type}`);
    }
  }

  #request(body: Buffer): void {
    if (this.#lastBlock === undefined) throw unexpected('a page request before any that names a RAM block');
    this.#listener.requestPages(this.#lastBlock, u32(body, 0) * TWO_TO_32 + u32(body, 4), u32(body, 8));
  }
}

/** How long the message is that `data` begins with, or how much of it must be there to know that; bytes. */
function messageBytes(data: Buffer): number {
  if (data.length < HEADER_BYTES) return HEADER_BYTES;
  const bodyBytes = data.readUInt16BE(2);
  if (bodyBytes > MAX_MESSAGE_BYTES) throw unexpected(`a message of ${bodyBytes} bytes`);
  const end = HEADER_BYTES + bodyBytes;
  if (data.readUInt16BE(0) !== ReturnPathMessage.receivedBitmap) return end;
  // The bitmap's size in bytes, the bitmap and an end mark follow what the header counts.
  if (data.length < end + 8) return end + 8;
  const bitmapBytes = data.readUInt32BE(end) * TWO_TO_32 + data.readUInt32BE(end + 4);
  if (bitmapBytes > MAX_BITMAP_BYTES) throw unexpected(`a bitmap of ${bitmapBytes} bytes`);
  return end + 8 + bitmapBytes + 8;
}

function u32(body: Buffer, at: number): number {
  if (body.length < at + 4) throw unexpected('a message that is too short');
  return body.readUInt32BE(at);
}

function unexpected(what: string): PageferryError {
  return new PageferryError('incoming-failed', `the destination QEMU sent ${what} on its return path`);
}
