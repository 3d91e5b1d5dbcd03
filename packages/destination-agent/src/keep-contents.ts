import type { ContentStore } from '@pageferry/transfer';
import {
  ADDRESS_BYTES,
  FrameKind,
  NO_SLOT,
  checkStoredPagesFrame,
  decompressPages,
  keepsContents,
  readHeader,
  recordAt,
  storedSlot,
  type FrameHeader,
} from '@pageferry/wire';

/** Keeps the contents of a `storedPages` frame that has been checked. */
export function keepContents(contents: ContentStore, frame: Buffer, header: FrameHeader): void {
  for (let index = 0; index < header.count; index++) {
    const slot = storedSlot(frame, header, index);
    const offset = recordAt(index) + ADDRESS_BYTES;
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
