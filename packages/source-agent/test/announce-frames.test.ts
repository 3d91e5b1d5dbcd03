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
import { beforeEach, expect, test } from 'vitest';
import { sendDeviceState, sendStalePages } from '../src/announce-frames.js';
import { FlowControl } from '../src/flow-control.js';
import { RecordingCarrier } from './support/recording-carrier.js';

const shapes = [10_000, 3, 64].map((pages, index) => ({
  name: `block ${index}`,
  length: pages * PAGE_SIZE,
  pageSize: PAGE_SIZE,
}));
const layout = new PageLayout(shapes);
const window = 64 * 1024 * 1024;

let carrier: RecordingCarrier;
let flow: FlowControl;
let abort: AbortController;

beforeEach(() => {
  carrier = new RecordingCarrier();
  abort = new AbortController();
  flow = new FlowControl(carrier, window, abort.signal);
});

/** What the destination takes the frames for. */
function named(frames: readonly Buffer[]): PageSet {
  const pages = new PageSet(layout);
  for (const frame of frames) {
    const header = readHeader(frame);
    const block = layout.blocks[header.block];
    if (block === undefined) throw new Error(`there is no block ${header.block}`);
    expect(header.kind).toBe(FrameKind.stale);
    checkRunsFrame(frame, header, block.length);
    for (let index = 0; index < header.count; index++) {
      pages.addRange(block.firstPage + runAddress(frame, index) / PAGE_SIZE, runPages(frame, index));
    }
  }
  return pages;
}

/** The page's index: blocks do not follow each other without a gap. */
function pageNumbered(number: number): number {
  let before = 0;
  for (const { firstPage, pageCount } of layout.blocks) {
    if (number < before + pageCount) return firstPage + number - before;
    before += pageCount;
  }
  throw new RangeError(`there is no page ${number}`);
}

const pagesOf = (set: PageSet): number[] => {
  const pages: number[] = [];
  set.forEachRun((first, count) => {
    for (let page = first; page < first + count; page++) pages.push(page);
  });
  return pages;
};

test('every stale page is named, and no other', async () => {
  const pages = fc.uniqueArray(fc.integer({ min: 4000, max: layout.pageCount - 1 }), { maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(pages, async (numbers) => {
      const stale = new PageSet(layout);
      for (const number of numbers) stale.add(pageNumbered(number));
      const taken = new RecordingCarrier();
      const { signal } = new AbortController();
      await sendStalePages(stale, new FlowControl(taken, window, signal), signal);
      expect(pagesOf(named(taken.frames))).toEqual(pagesOf(stale));
    }),
  );
});

test('runs end with their blocks', async () => {
  const stale = new PageSet(layout);
  stale.fill();
  await sendStalePages(stale, flow, abort.signal);
  expect(carrier.frames.map((frame) => [readHeader(frame).block, readHeader(frame).count])).toEqual([
    [0, 1],
    [1, 1],
    [2, 1],
  ]);
  expect(named(carrier.frames).count).toBe(layout.pageCount);
});

test('more runs than a frame has go in several', async () => {
  const stale = new PageSet(layout);
  for (let page = 0; page < 10_000; page += 2) stale.add(page);
  await sendStalePages(stale, flow, abort.signal);
  expect(carrier.frames.map((frame) => readHeader(frame).count)).toEqual([4096, 904]);
  expect(carrier.frames.map((frame) => readHeader(frame).sequence)).toEqual([1, 2]);
  expect(named(carrier.frames).count).toBe(5000);
});

test('the device state arrives whole, in frames that may be sent', async () => {
  const sections = Buffer.from(Array.from({ length: 700_000 }, (_, index) => (index * 7) % 251));
  await sendDeviceState(sections, flow, abort.signal);
  for (const frame of carrier.frames) {
    const header = readHeader(frame);
    expect(header).toMatchObject({
      kind: FrameKind.deviceState,
      block: 0,
      count: frame.length - HEADER_BYTES,
    });
    expect(frame.length).toBeLessThanOrEqual(MAX_FRAME_BYTES);
  }
  const arrived = Buffer.concat(carrier.frames.map((frame) => frame.subarray(HEADER_BYTES)));
  expect(arrived.equals(sections)).toBe(true);
  expect(carrier.frames).toHaveLength(3);
});

test.each(['stale pages', 'device state'])('%s wait for room, and a cancel ends the wait', async (what) => {
  const narrow = new FlowControl(carrier, 1, abort.signal);
  const stale = new PageSet(layout);
  stale.fill();
  const sending =
    what === 'stale pages'
      ? sendStalePages(stale, narrow, abort.signal)
      : sendDeviceState(Buffer.alloc(1_000_000), narrow, abort.signal);
  await new Promise((resolve) => setImmediate(resolve));
  expect(carrier.frames).toHaveLength(1);
  abort.abort(new Error('enough'));
  await expect(sending).rejects.toThrow('enough');
  expect(carrier.frames).toHaveLength(1);
});
