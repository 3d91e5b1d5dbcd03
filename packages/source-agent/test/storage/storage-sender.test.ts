import { PAGE_SIZE, PageLayout, PageSet } from '@pageferry/transfer';
import {
  FrameKind,
  HEADER_BYTES,
  MAX_BLOCK_RECORDS,
  RUN_BYTES,
  batchDisk,
  batchNumber,
  blockHash,
  blockOffset,
  blockPageAddress,
  checkBlocksFrame,
  readHeader,
  writeHeader,
  writeRun,
} from '@pageferry/wire';
import { pino } from 'pino';
import { beforeEach, describe, expect, test } from 'vitest';
import type { FilePageMap } from '../../src/storage/file-page-map.js';
import { StorageSender } from '../../src/storage/storage-sender.js';

const PAGES = 4096;
const DISK_BYTES = 2 ** 30;
const layout = new PageLayout([{ name: 'ram', length: PAGES * PAGE_SIZE, pageSize: PAGE_SIZE }]);
const log = pino({ level: 'silent' });
const vda = { name: 'vda', bytes: DISK_BYTES };

let frames: Buffer[];
let content: Uint8Array;
let candidates: PageSet;

interface FakeFlow {
  inFlightBytes: number;
  bytesPerSecond: number | undefined;
  window: number;
  isBusy: boolean;
  wasFullWithin: () => boolean;
  send: (frame: Buffer) => Promise<void>;
}

const flow: FakeFlow = {
  inFlightBytes: 0,
  bytesPerSecond: undefined,
  window: 0,
  isBusy: true,
  wasFullWithin: () => flow.isBusy,
  send: async (frame: Buffer): Promise<void> => {
    frames.push(frame);
    return Promise.resolve();
  },
};

beforeEach(() => {
  frames = [];
  flow.bytesPerSecond = undefined;
  flow.isBusy = true;
  flow.window = 8 * 2 ** 20;
  content = Uint8Array.from({ length: PAGES }, (_, page) => page % 251);
  candidates = new PageSet(layout);
  candidates.fill();
});

function open(disks = [vda], intervalMs = 0, mayBeUsed?: () => boolean): StorageSender {
  return new StorageSender({
    layout,
    memory: {
      readSync: (_block, address, target, offset, length) => {
        for (let done = 0; done < length; done += PAGE_SIZE) {
          target.fill(content[(address + done) / PAGE_SIZE] ?? 0, offset + done, offset + done + PAGE_SIZE);
        }
      },
    },
    flow,
    hash: (bytes) => BigInt(bytes[0] ?? 0),
    disks,
    ...{ intervalMs, mayBeUsed },
    log,
  });
}

/** Page n lies at the offset of page n, on the disk `name`. */
function mapOf(pages: readonly number[], disk = vda): FilePageMap {
  const set = new PageSet(layout);
  for (const page of pages) set.add(page);
  const offsets = Float64Array.from(pages, (page) => page * PAGE_SIZE);
  return { disks: [{ disk, pages: Uint32Array.from(pages), offsets }], pages: set };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, page) => page);

/** Names pages as a migration does. */
const advance = (storage: StorageSender): void => {
  storage.advance(candidates, (page) => {
    candidates.delete(page);
  });
};

function named(): number[] {
  return frames.flatMap((frame) => {
    const header = readHeader(frame);
    expect(header.kind).toBe(FrameKind.blocks);
    checkBlocksFrame(frame, header, PAGES * PAGE_SIZE, [DISK_BYTES, DISK_BYTES]);
    return Array.from({ length: header.count }, (_, index) => {
      const page = blockPageAddress(frame, index) / PAGE_SIZE;
      expect(blockOffset(frame, index)).toBe(page * PAGE_SIZE);
      expect(blockHash(frame, index)).toBe(BigInt(content[page] ?? 0));
      return page;
    });
  });
}

/** The destination settles what a frame has named; these of the pages could not be restored. */
function settle(storage: StorageSender, frame: Buffer | undefined, failed: readonly number[] = []): void {
  if (frame === undefined) throw new Error('there is no such frame');
  const answer = Buffer.alloc(HEADER_BYTES + failed.length * RUN_BYTES);
  writeHeader(answer, {
    kind: FrameKind.settled,
    sequence: batchNumber(frame),
    block: 0,
    count: failed.length,
  });
  failed.forEach((page, index) => {
    writeRun(answer, index, page * PAGE_SIZE, 1);
  });
  storage.settled(answer, readHeader(answer));
}

/** All that was named until now is restored. */
const settleAll = (storage: StorageSender): void => {
  for (const frame of frames) settle(storage, frame);
};

function failures(storage: StorageSender): number[] {
  const pages: number[] = [];
  storage.takeFailed((failed) => {
    failed.forEachRun((first, count) => {
      for (let page = first; page < first + count; page++) pages.push(page);
    });
  });
  return pages;
}

test('names nothing while it may not be used', () => {
  const storage = open([vda], 0, () => false);
  storage.mapped(mapOf(upTo(8)));
  advance(storage);
  expect(frames).toEqual([]);
  expect(storage.mayBeUsed).toBe(false);
  storage.allow();
  expect(storage.mayBeUsed).toBe(true);
  advance(storage);
  expect(named()).toEqual(upTo(8));
});

test('a few pages show first that the disk is the same one, then the others follow', () => {
  const storage = open();
  storage.mapped(mapOf(upTo(1000)));
  advance(storage);
  const first = named();
  expect(first.length).toBeLessThan(100);
  expect(storage.view.disks).toEqual([{ ...vda, state: 'trying' }]);
  advance(storage);
  expect(named()).toEqual(first);
  settleAll(storage);
  expect(storage.view.disks).toEqual([{ ...vda, state: 'shared' }]);
  frames = [];
  for (let turn = 0; turn < 20; turn++) {
    advance(storage);
    settleAll(storage);
  }
  expect(new Set([...first, ...named()])).toEqual(new Set(upTo(1000)));
  expect(storage.isSettled).toBe(true);
  expect(storage.view.restored).toBe(1000);
});

test('pages that are not to be sent, or were written to since the guest was looked into, are not named', () => {
  const storage = open();
  storage.mapped(mapOf(upTo(8)));
  candidates.delete(2);
  const written = new PageSet(layout);
  written.add(5);
  storage.written(written);
  advance(storage);
  expect(named()).toEqual([0, 1, 3, 4, 6, 7]);
});

test('what the destination could not restore is taken back, and not named again', () => {
  const storage = open();
  storage.mapped(mapOf(upTo(8)));
  advance(storage);
  settle(storage, frames[0], [2, 3]);
  expect(storage.isSettled).toBe(false);
  expect(failures(storage)).toEqual([2, 3]);
  expect(storage.isSettled).toBe(true);
  expect(storage.view).toMatchObject({ restored: 6, unrestored: 2 });
  candidates.fill();
  frames = [];
  advance(storage);
  expect(frames).toEqual([]);
});

test('a page is not named again before it is settled', () => {
  const storage = open();
  storage.mapped(mapOf(upTo(8)));
  advance(storage);
  candidates.fill();
  storage.mapped(mapOf(upTo(8)));
  advance(storage);
  expect(frames).toHaveLength(1);
  expect(storage.unsettled.count).toBe(8);
});

test('the next disk of the same length is tried when the first one is another', () => {
  const storage = open([
    { name: 'one', bytes: DISK_BYTES },
    { name: 'other', bytes: DISK_BYTES },
  ]);
  storage.mapped(mapOf(upTo(64)));
  advance(storage);
  const [first] = frames;
  settle(storage, first, named());
  frames = [];
  advance(storage);
  expect(frames.map(batchDisk)).toEqual([1]);
  settleAll(storage);
  expect(storage.view.disks).toEqual([{ ...vda, state: 'shared' }]);
});

test('of a disk that the destination does not have nothing is named', () => {
  const storage = open();
  storage.mapped(mapOf(upTo(8), { name: 'vdb', bytes: 2 * DISK_BYTES }));
  advance(storage);
  expect(frames).toEqual([]);
  expect(storage.view.disks).toEqual([{ name: 'vdb', bytes: 2 * DISK_BYTES, state: 'different' }]);
});

test('nothing is named while the link has room', () => {
  const storage = open();
  storage.mapped(mapOf(upTo(8)));
  flow.isBusy = false;
  advance(storage);
  expect(frames).toEqual([]);
});

describe('a page that is named before its record comes', () => {
  const nameEarly = (storage: StorageSender, isEarly: (page: number) => boolean): void => {
    storage.mapped(mapOf(upTo(8)));
    storage.advance(
      candidates,
      (page) => {
        candidates.delete(page);
      },
      isEarly,
    );
  };

  test('is found to have changed, or not, when it comes', () => {
    const storage = open();
    nameEarly(storage, (page) => page >= 4);
    expect(upTo(8).filter((page) => storage.wasNamedEarly(page))).toEqual([4, 5, 6, 7]);
    content[5] = 200;
    expect([4, 5].map((page) => storage.isAsNamed(page))).toEqual([true, false]);
    expect(storage.wasNamedEarly(5)).toBe(false);
  });

  test('is left to the log once that names every write', () => {
    const storage = open();
    nameEarly(storage, () => true);
    storage.watch();
    expect(upTo(8).some((page) => storage.wasNamedEarly(page))).toBe(false);
  });
});

test('nothing is named so soon after the last time', () => {
  const storage = open([vda], 60_000);
  storage.mapped(mapOf(upTo(100)));
  advance(storage);
  settleAll(storage);
  const before = frames.length;
  advance(storage);
  expect(frames).toHaveLength(before);
});

test('while pages are named, little is in flight before them', () => {
  flow.bytesPerSecond = 20_000_000;
  const storage = open();
  storage.mapped(mapOf(upTo(8)));
  advance(storage);
  expect(flow.window).toBeLessThan(8 * 2 ** 20);
  expect(flow.window).toBeGreaterThan(2 ** 20);
});

describe('what is given up', () => {
  test('is taken back, and what the destination says of it later is not heard', () => {
    const storage = open();
    storage.mapped(mapOf(upTo(8)));
    advance(storage);
    const back = new PageSet(layout);
    storage.giveUp((pages) => {
      back.addAll(pages);
    });
    expect(back.count).toBe(8);
    settle(storage, frames[0], [3]);
    expect(storage.isSettled).toBe(true);
    expect(storage.view).toMatchObject({ restored: 0, unrestored: 0 });
  });

  test('is not named again once storage is turned off', () => {
    const storage = open();
    storage.mapped(mapOf(upTo(8)));
    advance(storage);
    storage.turnOff((pages) => {
      candidates.addAll(pages);
    });
    expect(candidates.count).toBe(PAGES);
    frames = [];
    advance(storage);
    expect(frames).toEqual([]);
    expect(storage.isSettled).toBe(true);
  });

  test('may be named anew', () => {
    const storage = open();
    storage.mapped(mapOf(upTo(8)));
    advance(storage);
    storage.giveUp((pages) => {
      candidates.addAll(pages);
    });
    frames = [];
    advance(storage);
    expect(named()).toHaveLength(8);
  });
});

test('no frame names more pages than the protocol allows', () => {
  const storage = open();
  storage.mapped(mapOf(upTo(PAGES)));
  advance(storage);
  settleAll(storage);
  frames = [];
  advance(storage);
  expect(frames.length).toBeGreaterThan(1);
  for (const frame of frames) expect(readHeader(frame).count).toBeLessThanOrEqual(MAX_BLOCK_RECORDS);
});

test('a settled frame for a RAM block that there is not is a breach of the protocol', () => {
  const storage = open();
  const answer = Buffer.alloc(HEADER_BYTES);
  writeHeader(answer, { kind: FrameKind.settled, sequence: 1, block: 9, count: 0 });
  expect(() => {
    storage.settled(answer, readHeader(answer));
  }).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
});

test('whoever waits hears that something was settled', async () => {
  const storage = open();
  storage.mapped(mapOf(upTo(8)));
  advance(storage);
  const heard = storage.progress();
  settleAll(storage);
  await expect(heard).resolves.toBeUndefined();
});
