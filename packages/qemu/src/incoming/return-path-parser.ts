import { PageferryError } from '@pageferry/errors';
import { ReturnPathMessage } from '../stream/constants.js';

/** What the destination's QEMU says on the return path (`migration/migration.c`, `source_return_path_thread`). */
export interface ReturnPathListener {
  /** QEMU has loaded the whole stream; anything but 0 is its word for a failure. */
  shut(result: number): void;
  pong(value: number): void;
  /** The guest, or QEMU, waits for these bytes. The same page may be asked for twice. */
  requestPages(blockName: string, address: number, bytes: number): void;
}

const HEADER_BYTES = 4;
const MAX_MESSAGE_BYTES = 512;
const TWO_TO_32 = 2 ** 32;

/** Parses the return path, chunk by chunk. Error: `incoming-failed` for what no QEMU sends. */
export class ReturnPathParser {
  readonly #listener: ReturnPathListener;
  #partial = Buffer.alloc(0);
  #lastBlock: string | undefined;

  constructor(listener: ReturnPathListener) {
    this.#listener = listener;
  }

  push(chunk: Buffer): void {
    let data = this.#partial.length === 0 ? chunk : Buffer.concat([this.#partial, chunk]);
    while (data.length >= HEADER_BYTES) {
      const length = data.readUInt16BE(2);
      if (length > MAX_MESSAGE_BYTES) throw unexpected(`a message of ${length} bytes`);
      if (data.length < HEADER_BYTES + length) break;
      this.#message(data.readUInt16BE(0), data.subarray(HEADER_BYTES, HEADER_BYTES + length));
      data = data.subarray(HEADER_BYTES + length);
    }
    this.#partial = Buffer.from(data);
  }

  #message(type: number, body: Buffer): void {
    switch (type) {
      case ReturnPathMessage.shut:
        this.#listener.shut(u32(body, 0));
        return;
      case ReturnPathMessage.pong:
        this.#listener.pong(u32(body, 0));
        return;
      case ReturnPathMessage.requestPagesWithName: {
        const length = body[12] ?? -1;
        if (body.length !== 13 + length) throw unexpected('a page request of a wrong length');
        this.#lastBlock = body.toString('utf8', 13);
        this.#request(body);
        return;
      }
      case ReturnPathMessage.requestPages:
        this.#request(body);
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

function u32(body: Buffer, at: number): number {
  if (body.length < at + 4) throw unexpected('a message that is too short');
  return body.readUInt32BE(at);
}

function unexpected(what: string): PageferryError {
  return new PageferryError('incoming-failed', `the destination QEMU sent ${what} on its return path`);
}
