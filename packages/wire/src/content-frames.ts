import { PageferryError } from '@pageferry/errors';
import { FrameKind, HEADER_BYTES, type FrameHeader } from './frame-header.js';
import {
  PAGE_RECORD_BYTES,
  badAddress,
  checkPagesFrame,
  isPageAddress,
  readAddress,
  writeAddress,
} from './page-frames.js';

/** For each page of a `storedPages` frame, after its records: u32 slot of the content store. */
export const SLOT_BYTES = 4;
/** In place of a slot: this page is not kept. */
export const NO_SLOT = 0xffff_ffff;
/** One record of a `references` frame: u64 page address, u32 slot, u32 generation of its content. */
export const REFERENCE_BYTES = 16;
/** Before the bytes of a patch: as a reference, of the content that it changes, and u16 length. */
export const PATCH_HEADER_BYTES = 18;
/** Pages that one `references` or `patches` frame may name: each becomes a record of QEMU's with the page, together less than a frame's most. */
export const MAX_REFERENCES = 255;
/**
 * Checks a `storedPages` frame against the length (bytes) of its block and the number of slots that there are.
 * Error: `protocol-violation`.
 */
export function checkStoredPagesFrame(
  frame: Buffer,
  header: FrameHeader,
  blockLength: number,
  slots: number,
): void {
  const end = HEADER_BYTES + header.count * PAGE_RECORD_BYTES;
  if (frame.length !== end + header.count * SLOT_BYTES) {
    throw new PageferryError(
      'protocol-violation',
      `a frame says that it has ${header.count} pages and their slots, but is ${frame.length} bytes long`,
    );
  }
  checkPagesFrame(frame.subarray(0, end), header, blockLength);
  for (let index = 0; index < header.count; index++) {
    const slot = storedSlot(frame, header, index);
    if (slot !== NO_SLOT && slot >= slots) throw badSlot(slot, slots);
  }
}

/** Where the content of a page of a `storedPages` frame is kept, or {@link NO_SLOT}. */
export function storedSlot(frame: Buffer, { count }: FrameHeader, index: number): number {
  return frame.readUInt32BE(HEADER_BYTES + count * PAGE_RECORD_BYTES + index * SLOT_BYTES);
}

/** Checks a `references` frame, as {@link checkStoredPagesFrame} does. Error: `protocol-violation`. */
export function checkReferencesFrame(
  frame: Buffer,
  header: FrameHeader,
  blockLength: number,
  slots: number,
): void {
  const { count } = header;
  if (count === 0 || count > MAX_REFERENCES || frame.length !== HEADER_BYTES + count * REFERENCE_BYTES) {
    throw new PageferryError(
      'protocol-violation',
      `a frame of ${frame.length} bytes says that it has ${count} references`,
    );
  }
  for (let offset = HEADER_BYTES; offset < frame.length; offset += REFERENCE_BYTES) {
    const address = readAddress(frame, offset);
    if (!isPageAddress(frame, offset) || address >= blockLength) throw badAddress(address, blockLength);
    const slot = frame.readUInt32BE(offset + 8);
    if (slot >= slots) throw badSlot(slot, slots);
  }
}

export function writeReference(
  frame: Buffer,
  index: number,
  address: number,
  slot: number,
  generation: number,
): void {
  const offset = HEADER_BYTES + index * REFERENCE_BYTES;
  writeAddress(frame, offset, address);
  frame.writeUInt32BE(slot, offset + 8);
  frame.writeUInt32BE(generation, offset + 12);
}

/** Writes what goes before the `length` bytes of a patch; they follow at `offset` + {@link PATCH_HEADER_BYTES}. */
export function writePatchHeader(
  frame: Buffer,
  offset: number,
  address: number,
  slot: number,
  generation: number,
  length: number,
): void {
  writeAddress(frame, offset, address);
  frame.writeUInt32BE(slot, offset + 8);
  frame.writeUInt32BE(generation, offset + 12);
  frame.writeUInt16BE(length, offset + 16);
}

export function patchLength(frame: Buffer, offset: number): number {
  return frame.readUInt16BE(offset + 16);
}

/**
 * Checks a `patches` frame, as {@link checkStoredPagesFrame} does; what the patches say is checked when they are applied.
 * Error: `protocol-violation`.
 */
export function checkPatchesFrame(
  frame: Buffer,
  header: FrameHeader,
  blockLength: number,
  slots: number,
): void {
  let offset = HEADER_BYTES;
  for (let index = 0; index < header.count; index++) {
    if (offset + PATCH_HEADER_BYTES > frame.length) throw badPatches(header, frame);
    const address = readAddress(frame, offset);
    if (!isPageAddress(frame, offset) || address >= blockLength) throw badAddress(address, blockLength);
    const slot = frame.readUInt32BE(offset + 8);
    if (slot >= slots) throw badSlot(slot, slots);
    offset += PATCH_HEADER_BYTES + patchLength(frame, offset);
  }
  const { count } = header;
  if (count === 0 || count > MAX_REFERENCES || offset !== frame.length) throw badPatches(header, frame);
}

/** Whether the destination is to keep contents that a frame brings. */
export function keepsContents(frame: Buffer): boolean {
  return frame[0] === FrameKind.storedPages || frame[0] === FrameKind.compressedStoredPages;
}

/** What a frame of so many bytes counts as while it is in flight: a reference takes as much of the destination as its page. */
export function inFlightBytes({ kind, count }: FrameHeader, bytes: number): number {
  const refers = kind === FrameKind.references || kind === FrameKind.patches;
  return refers ? HEADER_BYTES + count * PAGE_RECORD_BYTES : bytes;
}

function badPatches({ count }: FrameHeader, frame: Buffer): PageferryError {
  return new PageferryError(
    'protocol-violation',
    `a frame of ${frame.length} bytes says that it has ${count} patches, and they are not well formed`,
  );
}

function badSlot(slot: number, slots: number): PageferryError {
  return new PageferryError(
    'protocol-violation',
    `a frame names the slot ${slot} of a content store of ${slots} slots`,
  );
}
