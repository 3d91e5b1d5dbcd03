import { PageferryError } from '@pageferry/errors';

/** Kinds of frames; PROTOCOL.md has their layouts. Numbers are never used again for something else. */
export const FrameKind = {
  control: 0x01,
  pages: 0x10,
  zeroPages: 0x11,
  stale: 0x12,
  deviceState: 0x13,
  pageDeltas: 0x14,
  compressedPages: 0x15,
  storedPages: 0x16,
  compressedStoredPages: 0x17,
  references: 0x18,
  patches: 0x19,
  blocks: 0x1a,
  requests: 0x20,
  ack: 0x21,
  settled: 0x22,
} as const;

export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/** Bytes before the body of every frame but `control`. */
export const HEADER_BYTES = 16;
/** No frame is longer, in bytes. */
export const MAX_FRAME_BYTES = 1024 * 1024;
/** A guest page on the wire, in bytes: x86's page size, whatever backs the memory on the host. */
export const PAGE_BYTES = 4096;

export interface FrameHeader {
  readonly kind: FrameKind;
  readonly sequence: number;
  readonly block: number;
  readonly count: number;
}

const kinds = new Map<number, FrameKind>(Object.values(FrameKind).map((kind) => [kind, kind]));

/** The kind of a frame. Error: `protocol-violation` for an empty frame or a kind that is not known. */
export function frameKind(frame: Buffer): FrameKind {
  const kind = kinds.get(frame[0] ?? -1);
  if (kind === undefined) {
    throw new PageferryError(
      'protocol-violation',
      frame.length === 0 ? 'an empty frame arrived' : `a frame of unknown kind ${frame[0] ?? -1} arrived`,
    );
  }
  return kind;
}

export function writeHeader(frame: Buffer, header: FrameHeader): void {
  frame[0] = header.kind;
  frame[1] = 0;
  frame.writeUInt16BE(0, 2);
  frame.writeUInt32BE(header.sequence, 4);
  frame.writeUInt32BE(header.block, 8);
  frame.writeUInt32BE(header.count, 12);
}

/** Reads and checks the header of any frame but `control`. Error: `protocol-violation`. */
export function readHeader(frame: Buffer): FrameHeader {
  const kind = frameKind(frame);
  if (frame.length < HEADER_BYTES) {
    throw new PageferryError('protocol-violation', `a frame of ${frame.length} bytes has no whole header`);
  }
  if (frame[1] !== 0 || frame.readUInt16BE(2) !== 0) {
    throw new PageferryError(
      'protocol-violation',
      'a frame has flags or a channel that version 1 does not know',
    );
  }
  return {
    kind,
    sequence: frame.readUInt32BE(4),
    block: frame.readUInt32BE(8),
    count: frame.readUInt32BE(12),
  };
}
