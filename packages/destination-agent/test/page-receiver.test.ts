import { afterEach, beforeEach, expect, test } from 'vitest';
import { PageferryError } from '@pageferry/errors';
import { ContentStore, PAGE_SIZE, PageLayout, type Block } from '@pageferry/transfer';
import {
  DELTA_HEADER_BYTES,
  FrameKind,
  HEADER_BYTES,
  PAGE_RECORD_BYTES,
  RUN_BYTES,
  compressPages,
  writeAddress,
  writeDeltaHeader,
  writeHeader,
  writeRun,
} from '@pageferry/wire';
import { ConnectionContents } from '../src/connection-contents.js';
import { PageReceiver, type PageWriter } from '../src/page-receiver.js';

const layout = new PageLayout([{ name: 'ram', length: 64 * PAGE_SIZE, pageSize: PAGE_SIZE }]);

/** Takes what QEMU would get; each write ends when the test says so. */
class FakeSession implements PageWriter {
  readonly writes: { readonly what: string; readonly address: number; readonly pages: number }[] = [];
  readonly ends: { readonly resolve: () => void; readonly reject: (reason: unknown) => void }[] = [];

  async writePages(_block: Block, records: Buffer, offset: number, count: number): Promise<void> {
    return this.#write('pages', records.readUInt32BE(offset + 4), count);
  }

  async writeZeroPages(_block: Block, address: number, pages: number): Promise<void> {
    return this.#write('zero', address, pages);
  }

  async writePageDeltas(_block: Block, records: Buffer, offset: number): Promise<void> {
    return this.#write('deltas', records.readUInt32BE(offset + 4), 1);
  }

  async #write(what: string, address: number, pages: number): Promise<void> {
    this.writes.push({ what, address, pages });
    return new Promise((resolve, reject) => {
      this.ends.push({ resolve, reject });
    });
  }
}

let fake: FakeSession;
let acknowledged: number[];
let refused: unknown[];
let receiver: PageReceiver;
const unhandled: unknown[] = [];
const noteUnhandled = (reason: unknown): void => {
  unhandled.push(reason);
};

beforeEach(() => {
  fake = new FakeSession();
  acknowledged = [];
  refused = [];
  receiver = new PageReceiver({
    layout,
    session: fake,
    window: 2 * 1024 * 1024,
    source: {
      acknowledge: (sequence) => acknowledged.push(sequence),
      refuse: (reason) => refused.push(reason),
      contents: new ConnectionContents(new ContentStore(8 * PAGE_SIZE)),
    },
  });
  process.on('unhandledRejection', noteUnhandled);
});
afterEach(() => {
  process.off('unhandledRejection', noteUnhandled);
  expect(unhandled.splice(0)).toEqual([]);
});

function pagesFrame(sequence: number, pages: readonly number[]): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + pages.length * PAGE_RECORD_BYTES);
  writeHeader(frame, { kind: FrameKind.pages, sequence, block: 0, count: pages.length });
  pages.forEach((page, index) => {
    writeAddress(frame, HEADER_BYTES + index * PAGE_RECORD_BYTES, page * PAGE_SIZE);
  });
  return frame;
}

function runsFrame(
  kind: typeof FrameKind.zeroPages | typeof FrameKind.stale,
  sequence: number,
  runs: readonly (readonly [number, number])[],
): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + runs.length * RUN_BYTES);
  writeHeader(frame, { kind, sequence, block: 0, count: runs.length });
  runs.forEach(([page, count], index) => {
    writeRun(frame, index, page * PAGE_SIZE, count);
  });
  return frame;
}

function deltaFrame(sequence: number, page: number): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + DELTA_HEADER_BYTES + 4, 1);
  writeHeader(frame, { kind: FrameKind.pageDeltas, sequence, block: 0, count: 1 });
  writeDeltaHeader(frame, HEADER_BYTES, page * PAGE_SIZE, 4);
  return frame;
}

const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('acknowledges frames in their order, also those that write nothing to QEMU', async () => {
  receiver.take(pagesFrame(1, [0, 1]));
  receiver.take(runsFrame(FrameKind.stale, 2, [[4, 2]]));
  await turn();
  expect(acknowledged).toEqual([]);
  fake.ends[0]?.resolve();
  await turn();
  expect(acknowledged).toEqual([1, 2]);
});

test('observes every write of a frame, so that none fails unnoticed', async () => {
  receiver.take(
    runsFrame(FrameKind.zeroPages, 1, [
      [0, 2],
      [8, 3],
    ]),
  );
  expect(fake.writes).toEqual([
    { what: 'zero', address: 0, pages: 2 },
    { what: 'zero', address: 8 * PAGE_SIZE, pages: 3 },
  ]);
  for (const { reject } of fake.ends) reject(new PageferryError('incoming-failed', 'QEMU is gone'));
  await turn();
  expect(acknowledged).toEqual([]);
  expect(refused).toEqual([]);
});

test('places a page of post-copy once, however often it comes', () => {
  receiver.take(runsFrame(FrameKind.stale, 1, [[2, 3]]));
  void receiver.receiveDeviceState(1);
  receiver.enterPostcopy();
  receiver.take(pagesFrame(2, [1, 2, 3]));
  receiver.take(runsFrame(FrameKind.zeroPages, 3, [[0, 10]]));
  expect(fake.writes).toEqual([
    { what: 'pages', address: 2 * PAGE_SIZE, pages: 2 },
    { what: 'zero', address: 4 * PAGE_SIZE, pages: 1 },
  ]);
  expect(receiver.missing.count).toBe(0);
});

test('passes page deltas on before the switch-over, and refuses them afterwards', async () => {
  receiver.take(deltaFrame(1, 3));
  expect(fake.writes).toEqual([{ what: 'deltas', address: 3 * PAGE_SIZE, pages: 1 }]);
  expect(receiver.counts.deltaPages).toBe(1);
  receiver.take(runsFrame(FrameKind.stale, 2, [[3, 1]]));
  void receiver.receiveDeviceState(1);
  receiver.enterPostcopy();
  receiver.take(deltaFrame(3, 3));
  await turn();
  expect(fake.writes).toHaveLength(1);
  expect(refused).toMatchObject([{ code: 'protocol-violation' }]);
});

test('passes compressed pages on as pages, in the same turn', async () => {
  const compressed = await compressPages(pagesFrame(1, [5, 6]));
  receiver.take(compressed);
  receiver.take(pagesFrame(2, [7]));
  expect(fake.writes).toEqual([
    { what: 'pages', address: 5 * PAGE_SIZE, pages: 2 },
    { what: 'pages', address: 7 * PAGE_SIZE, pages: 1 },
  ]);
});

test('refuses a compressed frame that does not unfold to its pages before QEMU sees any of it', async () => {
  const compressed = await compressPages(pagesFrame(1, [5, 6]));
  receiver.take(compressed.subarray(0, -3));
  await turn();
  expect(fake.writes).toEqual([]);
  expect(refused).toMatchObject([{ code: 'protocol-violation' }]);
});

test('refuses pages while the device state is loaded', async () => {
  void receiver.receiveDeviceState(100);
  receiver.take(pagesFrame(1, [0]));
  await turn();
  expect(fake.writes).toEqual([]);
  expect(refused).toMatchObject([{ code: 'protocol-violation' }]);
});

test.each([
  ['beyond the end of its block', pagesFrame(1, [64])],
  ['of another length than its count says', pagesFrame(1, [0]).subarray(0, -1)],
  ['of runs beyond the end of its block', runsFrame(FrameKind.zeroPages, 1, [[60, 5]])],
  ['of an empty run', runsFrame(FrameKind.zeroPages, 1, [[0, 0]])],
])('refuses a frame %s before QEMU sees any of it', async (_what, frame) => {
  receiver.take(frame);
  await turn();
  expect(fake.writes).toEqual([]);
  expect(refused).toMatchObject([{ code: 'protocol-violation' }]);
});

test('refuses more than the window allows in flight', () => {
  const frame = pagesFrame(
    1,
    Array.from({ length: 64 }, (_, page) => page),
  );
  expect(() => {
    for (let sent = 0; sent < 8 * 1024 * 1024; sent += frame.length) receiver.take(frame);
  }).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
});

test('gives the device state back as it came, in parts', async () => {
  const state = Buffer.from('a device state in two parts');
  const received = receiver.receiveDeviceState(state.length);
  let sequence = 0;
  for (const part of [state.subarray(0, 10), state.subarray(10)]) {
    const header = Buffer.alloc(HEADER_BYTES);
    writeHeader(header, { kind: FrameKind.deviceState, sequence: ++sequence, block: 0, count: part.length });
    receiver.take(Buffer.concat([header, part]));
  }
  expect(await received).toEqual(state);
});
