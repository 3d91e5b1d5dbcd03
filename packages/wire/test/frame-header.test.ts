import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameKind, HEADER_BYTES, frameKind, readHeader, writeHeader } from '../src/index.js';

const violation: unknown = expect.objectContaining({ code: 'protocol-violation' });
const u32 = fc.nat(0xffff_ffff);
const kinds = Object.values(FrameKind);
const headers = fc.record({ kind: fc.constantFrom(...kinds), sequence: u32, block: u32, count: u32 });

test('a header is read as it was written, whatever the buffer held before', () => {
  fc.assert(
    fc.property(headers, fc.nat(255), (header, before) => {
      const frame = Buffer.alloc(HEADER_BYTES + 3, before);
      writeHeader(frame, header);
      expect(readHeader(frame)).toEqual(header);
      expect(frameKind(frame)).toBe(header.kind);
      expect(frame.subarray(HEADER_BYTES)).toEqual(Buffer.alloc(3, before));
    }),
  );
});

test('a header has the layout of the protocol', () => {
  const frame = Buffer.alloc(HEADER_BYTES, 0xee);
  writeHeader(frame, { kind: FrameKind.zeroPages, sequence: 0x01020304, block: 5, count: 0xfffefdfc });
  expect(frame.toString('hex')).toBe('11000000' + '01020304' + '00000005' + 'fffefdfc');
});

test('the numbers of the kinds are never given to something else', () => {
  expect(FrameKind).toEqual({
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
  });
});

describe('a frame is refused', () => {
  const header = { kind: FrameKind.pages, sequence: 1, block: 0, count: 1 };
  const changed = (at: number, byte: number): Buffer => {
    const frame = Buffer.alloc(HEADER_BYTES);
    writeHeader(frame, header);
    frame[at] = byte;
    return frame;
  };

  test.each<[string, Buffer, RegExp]>([
    ['that is empty', Buffer.alloc(0), /empty frame/],
    ['of kind 0', changed(0, 0), /unknown kind 0/],
    ['of a kind that is not known', changed(0, 0x1f), /unknown kind 31/],
    [
      'whose header is cut off',
      changed(0, FrameKind.ack).subarray(0, HEADER_BYTES - 1),
      /15 bytes .* no whole header/,
    ],
    ['with a flag', changed(1, 1), /flags/],
    ['of another channel', changed(3, 1), /channel/],
  ])('%s', (_what, frame, message) => {
    expect(() => readHeader(frame)).toThrow(violation);
    expect(() => readHeader(frame)).toThrow(message);
  });

  test('or read, whatever its bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
        const frame = Buffer.from(bytes);
        try {
          const { kind } = readHeader(frame);
          expect(kinds).toContain(kind);
        } catch (error) {
          expect(error).toEqual(violation);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
