import { gzipSync } from 'node:zlib';
import { PageferryError } from '@pageferry/errors';
import type { PageSet } from '@pageferry/transfer';
import { HEADER_BYTES, LONGEST_VARINT, LOOK_BYTES, MAGIC, limits } from './format.js';

/** Writes what the dirty log says, look by look, into a trace. */
export class TraceWriter {
  readonly #pages: number;
  readonly #chunks: Buffer[] = [];
  #bytes = HEADER_BYTES;

  /** @param pages of the guest, indices between its blocks included */
  constructor(pages: number) {
    this.#pages = pages;
  }

  /**
   * The pages dirtied in the last `durationMs`.
   * @throws `request-invalid` when the trace becomes longer than a reader accepts
   */
  add(dirtied: PageSet, durationMs: number): void {
    let runs = 0;
    dirtied.forEachRun(() => runs++);
    const chunk = Buffer.alloc(LOOK_BYTES + runs * 2 * LONGEST_VARINT);
    const microseconds = Math.min(Math.max(Math.round(durationMs * 1000), 0), limits.microseconds);
    let offset = chunk.writeUInt32BE(runs, chunk.writeUInt32BE(microseconds, 0));
    let end = 0;
    dirtied.forEachRun((first, count) => {
      offset = writeVarint(chunk, offset, first - end);
      offset = writeVarint(chunk, offset, count);
      end = first + count;
    });
    this.#bytes += offset;
    if (this.#bytes > limits.bytes || this.#chunks.length === limits.looks) {
      throw new PageferryError('request-invalid', 'the trace becomes too long: record for a shorter time');
    }
    this.#chunks.push(Buffer.from(chunk.subarray(0, offset)));
  }

  /** The trace so far, as it goes into a file. */
  finish(): Buffer {
    const header = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(header);
    header.writeUInt32BE(this.#chunks.length, header.writeUInt32BE(this.#pages, MAGIC.length));
    return gzipSync(Buffer.concat([header, ...this.#chunks]));
  }
}

function writeVarint(buffer: Buffer, offset: number, value: number): number {
  let rest = value;
  let at = offset;
  while (rest >= 128) {
    buffer[at++] = (rest % 128) + 128;
    rest = Math.floor(rest / 128);
  }
  buffer[at++] = rest;
  return at;
}
