import { PageferryError } from '@pageferry/errors';
import { HEADER_BYTES, PAGE_BYTES, type FrameHeader } from './frame-header.js';

/** The address that a record of a `pages` frame begins with: u64. */
export const ADDRESS_BYTES = 8;
/** One record of a `pages` frame: the address of a page and the page. */
export const PAGE_RECORD_BYTES = ADDRESS_BYTES + PAGE_BYTES;
/** Before the bytes of a page delta: u64 page address, u8 encoding, u16 length. */
export const DELTA_HEADER_BYTES = 11;
/** The only encoding of page deltas: QEMU's XBZRLE, with the number that QEMU gives it (`migration/ram.c`). */
export const DELTA_ENCODING = 1;
/** One run: u64 page address, u32 number of pages. */
export const RUN_BYTES = 12;
/** Pages that the runs of one `zeroPages` frame may name together: each becomes a record of QEMU's. */
export const MAX_ZERO_PAGES = 65_536;

const TWO_TO_32 = 2 ** 32;

/** Where a record of a `pages` frame begins. */
export function recordAt(index: number): number {
  return HEADER_BYTES + index * PAGE_RECORD_BYTES;
}

/** Writes a byte address (below 2^53) as u64. */
export function writeAddress(frame: Buffer, offset: number, address: number): void {
  frame.writeUInt32BE(Math.floor(address / TWO_TO_32), offset);
  frame.writeUInt32BE(address % TWO_TO_32, offset + 4);
}

export function readAddress(frame: Buffer, offset: number): number {
  return frame.readUInt32BE(offset) * TWO_TO_32 + frame.readUInt32BE(offset + 4);
}

/**
 * Checks a `pages` frame against the length (bytes) of its block: every record is whole, aligned and inside.
 * Error: `protocol-violation`.
 */
export function checkPagesFrame(frame: Buffer, header: FrameHeader, blockLength: number): void {
  if (header.count === 0 || frame.length !== HEADER_BYTES + header.count * PAGE_RECORD_BYTES) {
    throw new PageferryError(
      'protocol-violation',
      `a frame says that it has ${header.count} pages, but is ${frame.length} bytes long`,
    );
  }
  for (let offset = HEADER_BYTES; offset < frame.length; offset += PAGE_RECORD_BYTES) {
    const address = readAddress(frame, offset);
    if (!isPageAddress(frame, offset) || address >= blockLength) throw badAddress(address, blockLength);
  }
}

/**
 * Checks a `pageDeltas` frame against the length (bytes) of its block: every record is whole, and its page inside. What
 * the records say is checked by QEMU, when it applies them. Error: `protocol-violation`.
 */
export function checkDeltasFrame(frame: Buffer, header: FrameHeader, blockLength: number): void {
  let offset = HEADER_BYTES;
  for (let index = 0; index < header.count; index++) {
    if (offset + DELTA_HEADER_BYTES > frame.length) throw badDeltas(header, frame);
    const address = readAddress(frame, offset);
    if (!isPageAddress(frame, offset) || address >= blockLength) throw badAddress(address, blockLength);
    const length = deltaLength(frame, offset);
    if (frame[offset + 8] !== DELTA_ENCODING || length === 0 || length > PAGE_BYTES)
      throw badDeltas(header, frame);
    offset += DELTA_HEADER_BYTES + length;
  }
  if (header.count === 0 || offset !== frame.length) throw badDeltas(header, frame);
}

export function deltaLength(frame: Buffer, offset: number): number {
  return frame.readUInt16BE(offset + 9);
}

/** Writes what goes before the `length` bytes of a page delta; they follow at `offset` + 11. */
export function writeDeltaHeader(frame: Buffer, offset: number, address: number, length: number): void {
  writeAddress(frame, offset, address);
  frame[offset + 8] = DELTA_ENCODING;
  frame.writeUInt16BE(length, offset + 9);
}

/** Checks a frame of runs against the length (bytes) of its block. Error: `protocol-violation`. */
export function checkRunsFrame(frame: Buffer, header: FrameHeader, blockLength: number): void {
  if (header.count === 0 || frame.length !== HEADER_BYTES + header.count * RUN_BYTES) {
    throw new PageferryError(
      'protocol-violation',
      `a frame says that it has ${header.count} runs, but is ${frame.length} bytes long`,
    );
  }
  for (let index = 0; index < header.count; index++) {
    const address = runAddress(frame, index);
    const pages = runPages(frame, index);
    if (address % PAGE_BYTES !== 0 || pages === 0 || address + pages * PAGE_BYTES > blockLength) {
      throw badAddress(address, blockLength);
    }
  }
}

export function runAddress(frame: Buffer, index: number): number {
  return readAddress(frame, HEADER_BYTES + index * RUN_BYTES);
}

export function runPages(frame: Buffer, index: number): number {
  return frame.readUInt32BE(HEADER_BYTES + index * RUN_BYTES + 8);
}

export function writeRun(frame: Buffer, index: number, address: number, pages: number): void {
  const offset = HEADER_BYTES + index * RUN_BYTES;
  writeAddress(frame, offset, address);
  frame.writeUInt32BE(pages, offset + 8);
}

/** Whether the low twelve bits are 0, read from the bytes: `%` on large numbers is slow, and this runs for every page. */
export function isPageAddress(frame: Buffer, offset: number): boolean {
  return frame[offset + 7] === 0 && ((frame[offset + 6] ?? 0) & 0x0f) === 0;
}

function badDeltas({ count }: FrameHeader, frame: Buffer): PageferryError {
  return new PageferryError(
    'protocol-violation',
    `a frame of ${frame.length} bytes says that it has ${count} page deltas, and they are not well formed`,
  );
}

export function badAddress(address: number, blockLength: number): PageferryError {
  return new PageferryError(
    'protocol-violation',
    `a frame names the page address ${address} in a RAM block of ${blockLength} bytes`,
  );
}
