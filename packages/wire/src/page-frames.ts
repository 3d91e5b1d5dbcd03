import { PageferryError } from '@pageferry/errors';
import { HEADER_BYTES, PAGE_BYTES, type FrameHeader } from './frame-header.js';

/** One record of a `pages` frame: u64 page address and the page. */
export const PAGE_RECORD_BYTES = 8 + PAGE_BYTES;
/** One run: u64 page address, u32 number of pages. */
export const RUN_BYTES = 12;
/** Pages that the runs of one `zeroPages` frame may name together: each becomes a record of QEMU's. */
export const MAX_ZERO_PAGES = 65_536;

const TWO_TO_32 = 2 ** 32;

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
    // The low twelve bits, read from the bytes: `%` on large numbers is slow, and this runs for every page.
    const aligned = frame[offset + 7] === 0 && ((frame[offset + 6] ?? 0) & 0x0f) === 0;
    if (!aligned || address >= blockLength) throw badAddress(address, blockLength);
  }
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

function badAddress(address: number, blockLength: number): PageferryError {
  return new PageferryError(
    'protocol-violation',
    `a frame names the page address ${address} in a RAM block of ${blockLength} bytes`,
  );
}
