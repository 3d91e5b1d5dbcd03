import { compress, uncompressSync } from 'lz4-napi';
import { PageferryError } from '@pageferry/errors';
import {
  FrameKind,
  HEADER_BYTES,
  MAX_FRAME_BYTES,
  readHeader,
  writeHeader,
  type FrameHeader,
} from './frame-header.js';
import { SLOT_BYTES } from './content-frames.js';
import { PAGE_RECORD_BYTES } from './page-frames.js';

/** Before the LZ4 block stands the number of bytes that it unfolds to: u32, little-endian, as the library writes it. */
const SIZE_BYTES = 4;

/**
 * Turns a `pages` frame into a `compressedPages` frame, and a `storedPages` frame into a `compressedStoredPages` frame, in another
 * thread. The frame must not change meanwhile. All of it is compressed, so that it unfolds to a frame, with nothing to be copied.
 */
export async function compressPages(frame: Buffer): Promise<Buffer> {
  const body = await compress(frame);
  const compressed = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  const header = readHeader(frame);
  const isStored = header.kind === FrameKind.storedPages;
  const kind = isStored ? FrameKind.compressedStoredPages : FrameKind.compressedPages;
  writeHeader(compressed, { ...header, kind });
  compressed.set(body, HEADER_BYTES);
  return compressed;
}

/** The `pages` or `storedPages` frame that a compressed one was made of. Error: `protocol-violation`. */
export function decompressPages(frame: Buffer, header: FrameHeader): Buffer {
  const isStored = header.kind === FrameKind.compressedStoredPages;
  const bytes = HEADER_BYTES + header.count * (PAGE_RECORD_BYTES + (isStored ? SLOT_BYTES : 0));
  const claimed = frame.length < HEADER_BYTES + SIZE_BYTES ? -1 : frame.readUInt32LE(HEADER_BYTES);
  // Looked at first: it is how much memory the library takes.
  if (claimed !== bytes || bytes > MAX_FRAME_BYTES) {
    throw new PageferryError(
      'protocol-violation',
      `a compressed frame of ${header.count} pages says that it unfolds to ${claimed} bytes`,
    );
  }
  const pages = unfold(frame.subarray(HEADER_BYTES), bytes);
  // What was checked is the header that was not compressed.
  writeHeader(pages, { ...header, kind: isStored ? FrameKind.storedPages : FrameKind.pages });
  return pages;
}

function unfold(body: Buffer, bytes: number): Buffer {
  let unfolded: Buffer;
  try {
    unfolded = uncompressSync(body);
  } catch (cause) {
    throw new PageferryError('protocol-violation', 'a compressed frame cannot be decompressed', { cause });
  }
  if (unfolded.length === bytes) return unfolded;
  throw new PageferryError('protocol-violation', `a compressed frame unfolds to ${unfolded.length} bytes`);
}
