import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  FrameKind,
  HEADER_BYTES,
  PAGE_RECORD_BYTES,
  compressPages,
  decompressPages,
  readHeader,
  writeAddress,
  writeHeader,
} from '../src/index.js';

const violation: unknown = expect.objectContaining({ code: 'protocol-violation' });

function pagesFrame(count: number, fill: (page: number, byte: number) => number): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + count * PAGE_RECORD_BYTES);
  writeHeader(frame, { kind: FrameKind.pages, sequence: 9, block: 2, count });
  for (let page = 0; page < count; page++) {
    const offset = HEADER_BYTES + page * PAGE_RECORD_BYTES;
    writeAddress(frame, offset, page * 4096);
    for (let byte = 0; byte < 4096; byte++) frame[offset + 8 + byte] = fill(page, byte);
  }
  return frame;
}

test.each([1, 7, 64])('%d pages come out as they went in', async (count) => {
  const frame = pagesFrame(count, (page, byte) => (page * 31 + (byte >> 4)) & 0xff);
  const compressed = await compressPages(frame);
  expect(compressed.length).toBeLessThan(frame.length / 2);
  const header = readHeader(compressed);
  expect(header).toEqual({ kind: FrameKind.compressedPages, sequence: 9, block: 2, count });
  expect(decompressPages(compressed, header).equals(frame)).toBe(true);
});

test('pages that do not shrink come out whole, too', async () => {
  let state = 1;
  const frame = pagesFrame(8, () => (state = (state * 1103515245 + 12345) & 0x7fffffff) >> 16);
  const compressed = await compressPages(frame);
  expect(decompressPages(compressed, readHeader(compressed)).equals(frame)).toBe(true);
});

test('a header that was compressed does not count', async () => {
  const frame = pagesFrame(3, (page) => page + 1);
  const compressed = await compressPages(frame);
  writeHeader(compressed, { kind: FrameKind.compressedPages, sequence: 77, block: 5, count: 3 });
  const pages = decompressPages(compressed, readHeader(compressed));
  expect(readHeader(pages)).toEqual({ kind: FrameKind.pages, sequence: 77, block: 5, count: 3 });
  expect(pages.subarray(HEADER_BYTES).equals(frame.subarray(HEADER_BYTES))).toBe(true);
});

describe('a compressed frame is refused', () => {
  test('whose size does not fit its number of pages: no memory is taken for it', async () => {
    const compressed = await compressPages(pagesFrame(4, () => 1));
    compressed.writeUInt32LE(0xffff_fff0, HEADER_BYTES);
    expect(() => decompressPages(compressed, readHeader(compressed))).toThrow(violation);
  });

  test('with more pages than a frame may have', async () => {
    const compressed = await compressPages(pagesFrame(4, () => 1));
    const header = { ...readHeader(compressed), count: 1000 };
    compressed.writeUInt32LE(HEADER_BYTES + 1000 * PAGE_RECORD_BYTES, HEADER_BYTES);
    expect(() => decompressPages(compressed, header)).toThrow(violation);
  });

  test('that is cut off, at any length', async () => {
    const compressed = await compressPages(pagesFrame(4, (page, byte) => (page ^ byte) & 0xff));
    for (let length = HEADER_BYTES; length < compressed.length; length += 13) {
      const cut = compressed.subarray(0, length);
      expect(() => decompressPages(cut, readHeader(compressed))).toThrow(violation);
    }
  });

  test('or comes out as so many pages, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 3 }), (bytes, count) => {
        const frame = Buffer.alloc(HEADER_BYTES + 4 + bytes.length);
        writeHeader(frame, { kind: FrameKind.compressedPages, sequence: 1, block: 0, count });
        frame.writeUInt32LE(HEADER_BYTES + count * PAGE_RECORD_BYTES, HEADER_BYTES);
        frame.set(bytes, HEADER_BYTES + 4);
        try {
          expect(decompressPages(frame, readHeader(frame))).toHaveLength(
            HEADER_BYTES + count * PAGE_RECORD_BYTES,
          );
        } catch (error) {
          expect(error).toEqual(violation);
        }
      }),
      { numRuns: 500 },
    );
  });
});
