import { PAGE_SIZE, PageLayout, PageSet } from '@pageferry/transfer';
import {
  FrameKind,
  HEADER_BYTES,
  MAX_FRAME_BYTES,
  checkRunsFrame,
  readHeader,
  runAddress,
  runPages,
} from '@pageferry/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { acknowledgeFrame, missingFrames, requestFrame } from '../src/answer-frames.js';

const layout = new PageLayout([
  { name: 'pc.ram', length: 4096 * PAGE_SIZE, pageSize: PAGE_SIZE },
  { name: 'vga.vram', length: 50 * PAGE_SIZE, pageSize: PAGE_SIZE },
]);
const pages = layout.blocks.flatMap(({ firstPage, pageCount }) =>
  Array.from({ length: pageCount }, (_, index) => firstPage + index),
);

/** What the source makes of the frames. */
function named(frames: readonly Buffer[]): PageSet {
  const set = new PageSet(layout);
  for (const frame of frames) {
    const header = readHeader(frame);
    const block = layout.blocks[header.block];
    if (header.kind !== FrameKind.stale || block === undefined) throw new Error('not a stale frame');
    checkRunsFrame(frame, header, block.length);
    for (let index = 0; index < header.count; index++) {
      set.addRange(block.firstPage + runAddress(frame, index) / PAGE_SIZE, runPages(frame, index));
    }
  }
  return set;
}

const pagesOf = (set: PageSet): number[] => pages.filter((page) => set.has(page));

describe('the frames with what is missing', () => {
  test('name every missing page, and no other one', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...pages), { maxLength: 300 }), (missing) => {
        const set = new PageSet(layout);
        for (const page of missing) set.add(page);
        expect(pagesOf(named(missingFrames(set)))).toEqual(missing.toSorted((a, b) => a - b));
      }),
    );
  });

  test('are as many as it takes, none too long', () => {
    const set = new PageSet(layout);
    for (const [index, page] of pages.entries()) if (index % 2 === 0) set.add(page);
    const frames = missingFrames(set);
    expect(frames.length).toBeGreaterThan(2);
    for (const frame of frames) expect(frame.length).toBeLessThanOrEqual(MAX_FRAME_BYTES);
    expect(pagesOf(named(frames))).toEqual(pagesOf(set));
  });

  test('are none when nothing is', () => {
    expect(missingFrames(new PageSet(layout))).toEqual([]);
  });
});

test('an acknowledgement is a header with the sequence number', () => {
  const frame = acknowledgeFrame(0xfedcba98);
  expect(frame).toHaveLength(HEADER_BYTES);
  expect(readHeader(frame)).toMatchObject({ kind: FrameKind.ack, sequence: 0xfedcba98, block: 0, count: 0 });
});

test('a request names one run of pages in its block', () => {
  const block = layout.blocks[1];
  if (block === undefined) throw new Error('the layout has two blocks');
  const frame = requestFrame(block, 7 * PAGE_SIZE, 3);
  const header = readHeader(frame);
  expect(header).toMatchObject({ kind: FrameKind.requests, sequence: 0, block: 1, count: 1 });
  checkRunsFrame(frame, header, block.length);
  expect([runAddress(frame, 0), runPages(frame, 0)]).toEqual([7 * PAGE_SIZE, 3]);
});
