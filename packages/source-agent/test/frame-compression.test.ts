import { randomBytes } from 'node:crypto';
import { PAGE_SIZE } from '@pageferry/transfer';
import { FrameKind, HEADER_BYTES, PAGE_RECORD_BYTES, recordAt, writeHeader } from '@pageferry/wire';
import { expect, test } from 'vitest';
import { FrameCompression } from '../src/frame-compression.js';

const pages = 8;
/** A link so slow that every compressor is faster. */
const slowLink = 1000;

/** Of pages, the first `part` of each of which nothing compresses. */
function frameOf(part: number): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + pages * PAGE_RECORD_BYTES);
  writeHeader(frame, { kind: FrameKind.pages, sequence: 0, block: 0, count: pages });
  for (let page = 0; page < pages; page++) {
    randomBytes(PAGE_SIZE * part).copy(frame, recordAt(page) + PAGE_RECORD_BYTES - PAGE_SIZE);
  }
  return frame;
}

test('a frame that shrinks is sent compressed, and what its pages will take is known from then on', async () => {
  const compression = new FrameCompression();
  const frame = frameOf(0.25);
  const ratio = (): number => compression.expectedRatio(frame, recordAt(0) + PAGE_RECORD_BYTES - PAGE_SIZE);
  expect(compression.shouldCompress(frame, slowLink)).toBe(true);
  expect(ratio()).toBe(1);
  const compressed = await compression.compress(frame);
  expect(compressed.length).toBeLessThan(frame.length / 2);
  expect(compression.shouldCompress(frame, slowLink)).toBe(true);
  expect(ratio()).toBeCloseTo(compressed.length / frame.length, 10);
});

test('a frame that does not shrink is sent as it is, and those like it are not tried', async () => {
  const compression = new FrameCompression();
  const frame = frameOf(1);
  expect(compression.shouldCompress(frame, slowLink)).toBe(false);
  expect(await compression.compress(frame)).toBe(frame);
});

test('nothing is compressed for a link that is faster, or not known', async () => {
  const compression = new FrameCompression();
  const frame = frameOf(0.25);
  expect(compression.shouldCompress(frame, undefined)).toBe(false);
  expect(compression.shouldCompress(frame, Number.MAX_SAFE_INTEGER)).toBe(true);
  await compression.compress(frame);
  expect(compression.shouldCompress(frame, Number.MAX_SAFE_INTEGER)).toBe(false);
  expect(compression.expectedRatio(frame, HEADER_BYTES)).toBe(1);
});
