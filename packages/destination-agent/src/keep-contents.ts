import { PAGE_SIZE, type ContentStore } from '@pageferry/transfer';
import {
  FrameKind,
  HEADER_BYTES,
  NO_SLOT,
  PAGE_RECORD_BYTES,
  checkStoredPagesFrame,
  decompressPages,
  keepsContents,
  readHeader,
  storedSlot,
  type FrameHeader,
} from '@pageferry/wire';

const ADDRESS_BYTES = PAGE_RECORD_BYTES - PAGE_SIZE;

/** Keeps the contents of a `storedPages` frame that has been checked. */
export function keepContents(contents: ContentStore, frame: Buffer, header: FrameHeader): void {
  for (let index = 0; index < header.count; index++) {
    const slot = storedSlot(frame, header, index);
    const offset = HEADER_BYTES + index * PAGE_RECORD_BYTES + ADDRESS_BYTES;
    if (slot !== NO_SLOT) contents.put(slot, frame, offset);
  }
}

/**
 * Takes a frame for a guest that does not come any more: what it brings for others is kept all the same. Error:
 * `protocol-violation`.
 */
export function takeLateFrame(contents: ContentStore, frame: Buffer): void {
  if (!keepsContents(frame)) return;
  const header = readHeader(frame);
  const pages = header.kind === FrameKind.compressedStoredPages ? decompressPages(frame, header) : frame;
  // Whatever RAM block they were for, it is not looked at.
  checkStoredPagesFrame(pages, header, Infinity, contents.slots);
  keepContents(contents, pages, header);
}
