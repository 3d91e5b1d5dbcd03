import { PageferryError } from '@pageferry/errors';
import {
  Command,
  RAM_SECTION_NAME,
  RamFlag,
  Section,
  TARGET_PAGE_BYTES,
  VM_FILE_MAGIC,
  VM_FILE_VERSION,
} from '../stream/constants.js';

/** Takes the RAM records of QEMU's stream, in the order in which QEMU wrote them. */
export interface RamRecordSink {
  /** Where page contents are copied to; asked anew after each call of {@link page}. */
  readonly target: Buffer;
  /**
   * A page's content follows. Answers the offset in {@link target} where its 4096 bytes go, or -1 to skip them.
   * They are there when the next method of the sink is called.
   */
  page(block: number, address: number): number;
  /** The page is zero. */
  zero(block: number, address: number): void;
}

export interface StreamBlock {
  readonly name: string;
  /** bytes */
  readonly length: number;
}

/** Commands for a destination QEMU, which change nothing in what follows them. */
const UNDERSTOOD_COMMANDS: ReadonlySet<number> = new Set([
  Command.openReturnPath,
  Command.ping,
  Command.switchoverStart,
]);

const SKIP = -1;
const TWO_TO_32 = 2 ** 32;
const LOW_BITS = TARGET_PAGE_BYTES - 1;
/** More device state than this is not believed, in bytes. */
const MAX_TAIL_BYTES = 256 * 1024 * 1024;

type Step = 'file-header' | 'section' | 'record' | 'content' | 'tail';

/**
 * Reads the stream that a source QEMU writes (`migration/savevm.c`, `migration/ram.c`), chunk by chunk: the RAM
 * records go to a sink, what follows the RAM section (the device state) is kept. It parses only what a QEMU with our
 * settings writes, and refuses everything else with a `dirty-log` error.
 */
export class RamRecordParser {
  sink: RamRecordSink;
  /** The RAM blocks that the stream names, once its head has been read. */
  blocks: readonly StreamBlock[] = [];
  /** How often the records have started over from the beginning of RAM. */
  passes = 0;
  /** Parts of the RAM section without any record: QEMU looked at its dirty log and found nothing. */
  emptyParts = 0;
  /** Records read so far. */
  records = 0;
  /** True when the RAM section has ended; what comes after it is device state. */
  ramEnded = false;

  readonly #holdAfterBlocks: boolean;
  #isHolding = false;
  #step: Step = 'file-header';
  #partial: Buffer | undefined;
  #ramSection = -1;
  #numberByName = new Map<string, number>();
  #block = -1;
  #recordsBeforePart = 0;
  #contentLeft = 0;
  #contentOffset = SKIP;
  #inRamEnd = false;
  #lastBlock = -1;
  #lastAddress = -1;
  readonly #tail: Buffer[] = [];
  #tailBytes = 0;

  /** @param options.holdAfterBlocks keep what follows the block list unread until {@link release} */
  constructor(sink: RamRecordSink, { holdAfterBlocks = false } = {}) {
    this.sink = sink;
    this.#holdAfterBlocks = holdAfterBlocks;
  }

  /** What was held back is read with the next chunk. */
  release(): void {
    this.#isHolding = false;
  }

  /** Whether part of a page's content is still to come. */
  get inContent(): boolean {
    return this.#step === 'content';
  }

  /** Reads on; error: `dirty-log`. The chunk is not kept beyond the call unless it is device state. */
  push(chunk: Buffer): void {
    let data = chunk;
    if (this.#partial !== undefined) {
      data = Buffer.concat([this.#partial, chunk]);
      this.#partial = undefined;
    }
    let at = 0;
    while (at < data.length) {
      if (this.#isHolding) {
        this.#partial = Buffer.from(data.subarray(at));
        return;
      }
      const next = this.#advance(data, at);
      if (next === at) {
        this.#partial = Buffer.from(data.subarray(at));
        return;
      }
      at = next;
    }
  }

  /**
   * The device sections, without the end mark and the description that follow them; undefined while more must come.
   * @param streamEnded QEMU has closed the stream: then there need not be a description
   */
  deviceSections(streamEnded: boolean): Buffer | undefined {
    if (!this.ramEnded || this.#tailBytes === 0) return undefined;
    const tail = Buffer.concat(this.#tail);
    const end = endMark(tail);
    if (end !== -1) return tail.subarray(0, end);
    return streamEnded && tail.at(-1) === Section.eof ? tail.subarray(0, -1) : undefined;
  }

  /** Takes one step from `at`; answers where the next one begins, or `at` if more bytes are needed. */
  #advance(data: Buffer, at: number): number {
    switch (this.#step) {
      case 'content':
        return this.#content(data, at);
      case 'record':
        return this.#record(data, at);
      case 'section':
        return this.#section(data, at);
      case 'file-header':
        return this.#fileHeader(data, at);
      case 'tail':
        this.#tailBytes += data.length - at;
        if (this.#tailBytes > MAX_TAIL_BYTES) throw unexpected('more than 256 MiB of device state');
        this.#tail.push(Buffer.from(data.subarray(at)));
        return data.length;
    }
  }

  #fileHeader(data: Buffer, at: number): number {
    if (data.length - at < 8) return at;
    if (data.readUInt32BE(at) !== VM_FILE_MAGIC || data.readUInt32BE(at + 4) !== VM_FILE_VERSION) {
      throw unexpected('the stream does not begin like a migration stream of version 3');
    }
    this.#step = 'section';
    return at + 8;
  }

  #section(data: Buffer, at: number): number {
    const left = data.length - at;
    switch (data[at]) {
      case Section.configuration: {
        if (left < 5) return at;
        const end = 5 + data.readUInt32BE(at + 1);
        return left < end ? at : at + end;
      }
      case Section.command: {
        if (left < 5) return at;
        const end = 5 + data.readUInt16BE(at + 3);
        const command = data.readUInt16BE(at + 1);
        if (!UNDERSTOOD_COMMANDS.has(command)) throw unexpected(`the command ${command}`);
        return left < end ? at : at + end;
      }
      case Section.start:
        return this.#ramStart(data, at);
      case Section.part:
      case Section.end: {
        if (left < 5) return at;
        const id = data.readUInt32BE(at + 1);
        if (id !== this.#ramSection)
          throw unexpected(`a section ${id} beside RAM that goes on while the guest runs`);
        this.#inRamEnd = data[at] === Section.end;
        this.#recordsBeforePart = this.records;
        this.#step = 'record';
        return at + 5;
      }
      default:
        throw unexpected(`a section of type ${data[at] ?? -1} before the end of RAM`);
    }
  }

  /** The RAM section's start: name, instance, version, the block list, the end of the part, the footer. */
  #ramStart(data: Buffer, at: number): number {
    let offset = at + 5;
    if (data.length < offset + 1) return at;
    const nameLength = data.readUInt8(offset);
    if (data.length < offset + 1 + nameLength + 8 + 8) return at;
    const name = data.toString('utf8', offset + 1, offset + 1 + nameLength);
    if (name !== RAM_SECTION_NAME) {
      throw new PageferryError(
        'dirty-log',
        `the guest has state beside RAM that is sent while it runs ("${name}"): pageferry cannot move such a guest`,
      );
    }
    offset += 1 + nameLength + 8;
    let left = readU64(data, offset) - RamFlag.memorySize;
    offset += 8;
    const blocks: StreamBlock[] = [];
    while (left > 0) {
      if (data.length < offset + 1) return at;
      const length = data.readUInt8(offset);
      if (data.length < offset + 1 + length + 8) return at;
      const block = {
        name: data.toString('utf8', offset + 1, offset + 1 + length),
        length: readU64(data, offset + 1 + length),
      };
      if (block.length <= 0 || block.length > left) throw unexpected('a block list that does not add up');
      blocks.push(block);
      left -= block.length;
      offset += 1 + length + 8;
    }
    const footer = offset + 8;
    if (data.length < footer + 5) return at;
    if (readU64(data, offset) !== RamFlag.endOfSection || data[footer] !== Section.footer) {
      throw unexpected('something after the block list');
    }
    this.#ramSection = data.readUInt32BE(at + 1);
    this.blocks = blocks;
    this.#isHolding = this.#holdAfterBlocks;
    this.#numberByName = new Map(blocks.map((block, number) => [block.name, number]));
    this.#step = 'section';
    return footer + 5;
  }

  #record(data: Buffer, at: number): number {
    if (data.length - at < 9) return at;
    const low = data.readUInt32BE(at + 4);
    const flags = low & LOW_BITS;
    if ((flags & RamFlag.endOfSection) !== 0) return this.#partEnd(data, at);
    const address = data.readUInt32BE(at) * TWO_TO_32 + (low - flags);
    let offset = at + 8;
    if ((flags & RamFlag.continue) === 0) {
      const length = data.readUInt8(offset);
      if (data.length < offset + 1 + length + 1) return at;
      const name = data.toString('utf8', offset + 1, offset + 1 + length);
      const number = this.#numberByName.get(name);
      if (number === undefined)
        throw unexpected(`a page of a RAM block "${name}" that the stream did not announce`);
      this.#block = number;
      offset += 1 + length;
    }
    this.#notePosition(address);
    switch (flags & ~RamFlag.continue) {
      case RamFlag.page:
        this.#contentOffset = this.sink.page(this.#block, address);
        this.#contentLeft = TARGET_PAGE_BYTES;
        this.#step = 'content';
        return offset;
      case RamFlag.zero:
        this.sink.zero(this.#block, address);
        return offset + 1;
      default:
        throw unexpected(`a RAM record with the flags 0x${flags.toString(16)}`);
    }
  }

  #partEnd(data: Buffer, at: number): number {
    if (data.length - at < 13) return at;
    if (data[at + 8] !== Section.footer) throw unexpected('a part of RAM without its footer');
    if (this.records === this.#recordsBeforePart) this.emptyParts++;
    this.ramEnded = this.#inRamEnd;
    this.#step = this.#inRamEnd ? 'tail' : 'section';
    return at + 13;
  }

  #content(data: Buffer, at: number): number {
    const length = Math.min(this.#contentLeft, data.length - at);
    if (this.#contentOffset !== SKIP) {
      data.copy(this.sink.target, this.#contentOffset, at, at + length);
      this.#contentOffset += length;
    }
    this.#contentLeft -= length;
    if (this.#contentLeft === 0) this.#step = 'record';
    return at + length;
  }

  #notePosition(address: number): void {
    const block = this.#block;
    if (block < this.#lastBlock || (block === this.#lastBlock && address <= this.#lastAddress)) this.passes++;
    this.#lastBlock = block;
    this.#lastAddress = address;
    this.records++;
  }
}

/** Where the end mark stands that is followed by the description and by nothing else; -1 if it is not there yet. */
function endMark(tail: Buffer): number {
  const mark = Buffer.of(Section.eof, Section.vmDescription);
  for (let at = tail.indexOf(mark); at !== -1; at = tail.indexOf(mark, at + 1)) {
    const json = at + 6;
    if (json < tail.length && json + tail.readUInt32BE(at + 2) === tail.length && tail[json] === 0x7b)
      return at;
  }
  return -1;
}

function readU64(data: Buffer, at: number): number {
  return data.readUInt32BE(at) * TWO_TO_32 + data.readUInt32BE(at + 4);
}

function unexpected(what: string): PageferryError {
  return new PageferryError(
    'dirty-log',
    `QEMU's own migration stream has ${what}: pageferry does not know how to read it`,
  );
}
