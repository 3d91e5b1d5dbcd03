import type { Block } from '@pageferry/transfer';
import { ByteWriter } from './byte-writer.js';
import {
  Command,
  DISCARD_VERSION,
  MAX_DISCARDS_PER_COMMAND,
  RAM_SECTION_NAME,
  RAM_SECTION_VERSION,
  RamFlag,
  Section,
  TARGET_PAGE_BYTES,
  VM_FILE_MAGIC,
  VM_FILE_VERSION,
} from './constants.js';

/**
 * The RAM section's number. QEMU numbers its own sections from 0; device sections are passed on with the source's
 * numbers, so ours is one that no QEMU gives.
 */
export const RAM_SECTION_ID = 0x7fff_0001;

/** Asks for a PONG once everything before it is loaded. */
export const LOADED_PING = 2;

const HOST_PAGE_BYTES = 4096;
const ZERO_RECORD_BYTES = 9;

export interface RamShape {
  readonly name: string;
  /** bytes */
  readonly length: number;
  /** host page size of the backend, bytes */
  readonly pageSize: number;
}

/**
 * The stream up to and with the RAM block list. With `postcopy` the destination is told that post-copy may follow
 * (`qemu_savevm_send_postcopy_advise`), which checks its host for userfaultfd.
 */
export function streamHead(machineType: string, blocks: readonly RamShape[], postcopy: boolean): Buffer {
  const head = new ByteWriter(4096);
  const machine = Buffer.from(machineType, 'utf8');
  head.u32(VM_FILE_MAGIC).u32(VM_FILE_VERSION);
  head.u8(Section.configuration).u32(machine.length).bytes(machine);
  command(head, Command.openReturnPath);
  command(head, Command.ping, new ByteWriter().u32(1).toBuffer());
  if (postcopy) {
    command(
      head,
      Command.postcopyAdvise,
      new ByteWriter().u64(pageSizeSummary(blocks)).u64(TARGET_PAGE_BYTES).toBuffer(),
    );
  }
  head.u8(Section.start).u32(RAM_SECTION_ID).countedString(RAM_SECTION_NAME).u32(0).u32(RAM_SECTION_VERSION);
  const total = blocks.reduce((sum, block) => sum + block.length, 0);
  head.u64(total + RamFlag.memorySize);
  for (const block of blocks) {
    head.countedString(block.name).u64(block.length);
    if (postcopy && block.pageSize !== HOST_PAGE_BYTES) head.u64(block.pageSize);
  }
  return endOfRamSection(head).toBuffer();
}

/** Opens a part of the RAM section whose first record is a page of `block`; 4096 bytes of content must follow. */
export function ramPartWithPage(block: Block, address: number): Buffer {
  return ramPartWith(RamFlag.page, block, address);
}

/**
 * Opens a part of the RAM section whose first record says what changed in a page of `block`; the encoding's number, its
 * length and its bytes must follow (`load_xbzrle`, `migration/ram.c`).
 */
export function ramPartWithDelta(block: Block, address: number): Buffer {
  return ramPartWith(RamFlag.xbzrle, block, address);
}

/** The flags of a record that is not the first of its part: same block as before. */
export const CONTINUED_PAGE_FLAGS = RamFlag.page | RamFlag.continue;
export const CONTINUED_DELTA_FLAGS = RamFlag.xbzrle | RamFlag.continue;

/** Closes what {@link ramPartWithPage} or {@link ramPartWithDelta} opened. */
export const RAM_PART_END: Buffer = endOfRamSection(new ByteWriter(16)).toBuffer();

/** A whole part of the RAM section that says: `pages` pages of `block` from `address` on are zero. */
export function zeroPagesPart(block: Block, address: number, pages: number): Buffer {
  const part = new ByteWriter(64 + pages * ZERO_RECORD_BYTES).u8(Section.part).u32(RAM_SECTION_ID);
  part
    .u64(address + RamFlag.zero)
    .countedString(block.name)
    .u8(0);
  for (let page = 1; page < pages; page++) {
    part.u64(address + page * TARGET_PAGE_BYTES + RamFlag.zero + RamFlag.continue).u8(0);
  }
  return endOfRamSection(part).toBuffer();
}

/** The end of the RAM section, after which no page may follow. */
export function ramSectionEnd(): Buffer {
  return endOfRamSection(new ByteWriter(32).u8(Section.end).u32(RAM_SECTION_ID)).toBuffer();
}

/** What ends a pre-copy stream: the device sections, the end mark, and the description that QEMU waits for. */
export function precopyTail(deviceSections: Uint8Array): Buffer {
  const description = Buffer.from('{}', 'utf8');
  return new ByteWriter(deviceSections.length + 64)
    .bytes(ramSectionEnd())
    .bytes(deviceSections)
    .u8(Section.eof)
    .u8(Section.vmDescription)
    .u32(description.length)
    .bytes(description)
    .toBuffer();
}

/**
 * The package that switches to post-copy. It asks for a PONG ({@link LOADED_PING}) after the device sections, so that
 * the answer means: all of them are loaded.
 */
export function postcopyPackage(deviceSections: Uint8Array): Buffer {
  const content = new ByteWriter(deviceSections.length + 64);
  command(content, Command.postcopyListen);
  content.bytes(deviceSections);
  command(content, Command.ping, new ByteWriter().u32(LOADED_PING).toBuffer());
  command(content, Command.postcopyRun);
  const packaged = content.toBuffer();
  const result = new ByteWriter(packaged.length + 64);
  command(result, Command.packaged, new ByteWriter().u32(packaged.length).toBuffer());
  return result.bytes(packaged).toBuffer();
}

/** What ends a post-copy stream, when every page has been placed. */
export function postcopyTail(): Buffer {
  return new ByteWriter(64).bytes(ramSectionEnd()).u8(Section.eof).toBuffer();
}

/** Asks which pages of the block QEMU has, while a paused post-copy is recovered. */
export function receivedPagesQuery(blockName: string): Buffer {
  const query = new ByteWriter(64);
  command(query, Command.receivedBitmap, new ByteWriter(64).countedString(blockName).toBuffer());
  return query.toBuffer();
}

/** Lets a paused post-copy go on. */
export function postcopyResume(): Buffer {
  const resume = new ByteWriter(8);
  command(resume, Command.postcopyResume);
  return resume.toBuffer();
}

/** Collects ranges to discard into as few commands as QEMU itself would use. */
export class DiscardWriter {
  readonly #out = new ByteWriter(4096);
  #block: Block | undefined;
  #ranges: ByteWriter | undefined;
  #count = 0;

  /** Bytes from `address` on, whole host pages of the block. */
  add(block: Block, address: number, bytes: number): void {
    if (this.#block !== block || this.#count === MAX_DISCARDS_PER_COMMAND) this.#flush();
    this.#block = block;
    this.#ranges ??= new ByteWriter(256).u8(DISCARD_VERSION).countedString(block.name).u8(0);
    this.#ranges.u64(address).u64(bytes);
    this.#count++;
  }

  toBuffer(): Buffer {
    this.#flush();
    return this.#out.toBuffer();
  }

  #flush(): void {
    if (this.#ranges !== undefined) command(this.#out, Command.postcopyRamDiscard, this.#ranges.toBuffer());
    this.#ranges = undefined;
    this.#count = 0;
  }
}

function ramPartWith(flag: number, block: Block, address: number): Buffer {
  return new ByteWriter(64)
    .u8(Section.part)
    .u32(RAM_SECTION_ID)
    .u64(address + flag)
    .countedString(block.name)
    .toBuffer();
}

function command(out: ByteWriter, number: number, data: Uint8Array = new Uint8Array(0)): void {
  out.u8(Section.command).u16(number).u16(data.length).bytes(data);
}

function endOfRamSection(out: ByteWriter): ByteWriter {
  return out.u64(RamFlag.endOfSection).u8(Section.footer).u32(RAM_SECTION_ID);
}

/** `ram_pagesize_summary`, `migration/ram.c`: page sizes are powers of two, so their sum without repeats is their OR. */
function pageSizeSummary(blocks: readonly RamShape[]): number {
  return [...new Set(blocks.map((block) => block.pageSize))].reduce((sum, size) => sum + size, 0);
}
