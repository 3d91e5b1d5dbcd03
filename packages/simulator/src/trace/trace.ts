import { gunzipSync } from 'node:zlib';
import { PageferryError } from '@pageferry/errors';
import { HEADER_BYTES, LONGEST_VARINT, LOOK_BYTES, MAGIC, limits } from './format.js';

/** A look at the dirty log. */
export interface Look {
  /** Since the beginning of the trace. */
  readonly beginMs: number;
  readonly endMs: number;
  readonly runs: number;
  /** Of its runs within the trace. */
  readonly offset: number;
}

/** What a guest was once seen to write. */
export class Trace {
  /** Page indices of the guest. */
  readonly pages: number;
  readonly looks: readonly Look[];
  readonly durationMs: number;
  readonly #bytes: Buffer;

  /**
   * Reads a whole trace and checks it, runs and all.
   * @throws `request-invalid` if it is none
   */
  constructor(file: Buffer) {
    const reader = new Reader(unpack(file));
    this.#bytes = reader.bytes;
    this.pages = reader.integer(limits.pages, 'pages');
    const looks: Look[] = [];
    let endMs = 0;
    for (let left = reader.integer(limits.looks, 'looks'); left > 0; left--) {
      reader.need(LOOK_BYTES);
      const beginMs = endMs;
      endMs += reader.integer(limits.microseconds, 'microseconds') / 1000;
      const runs = reader.integer(this.pages, 'runs');
      looks.push({ beginMs, endMs, runs, offset: reader.offset });
      let end = 0;
      for (let run = 0; run < runs; run++) {
        end += reader.varint();
        const count = reader.varint();
        end += count;
        if (count === 0 || end > this.pages) throw invalid('a run is empty or goes beyond the last page');
      }
    }
    if (reader.offset !== reader.bytes.length) throw invalid('there is something after its end');
    if (!(endMs > 0)) throw invalid('it has no length');
    this.looks = looks;
    this.durationMs = endMs;
  }

  /** Calls `visit` with all runs of dirtied pages of a look, upwards. */
  forEachRun({ runs, offset }: Look, visit: (first: number, count: number) => void): void {
    const reader = new Reader(this.#bytes, offset);
    let end = 0;
    for (let run = 0; run < runs; run++) {
      const first = end + reader.varint();
      const count = reader.varint();
      visit(first, count);
      end = first + count;
    }
  }
}

class Reader {
  readonly bytes: Buffer;
  offset: number;

  constructor(bytes: Buffer, offset = MAGIC.length) {
    this.bytes = bytes;
    this.offset = offset;
  }

  need(count: number): void {
    if (this.offset + count > this.bytes.length) throw invalid('it ends too early');
  }

  integer(most: number, what: string): number {
    const value = this.bytes.readUInt32BE(this.offset);
    this.offset += 4;
    if (value > most) throw invalid(`it has ${value} ${what}, and at most ${most} are allowed`);
    return value;
  }

  varint(): number {
    let value = 0;
    for (let digits = 0; digits < LONGEST_VARINT; digits++) {
      const byte = this.bytes[this.offset++];
      if (byte === undefined) throw invalid('it ends too early');
      value += (byte & 127) * 128 ** digits;
      if (byte < 128) return value;
    }
    throw invalid('a number is too long');
  }
}

function unpack(file: Buffer): Buffer {
  let bytes: Buffer;
  try {
    bytes = gunzipSync(file, { maxOutputLength: limits.bytes });
  } catch (cause) {
    throw invalid('it cannot be unpacked', cause);
  }
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw invalid('it does not begin as one');
  }
  return bytes;
}

function invalid(why: string, cause?: unknown): PageferryError {
  return new PageferryError('request-invalid', `this is not a trace of pageferry: ${why}`, { cause });
}
