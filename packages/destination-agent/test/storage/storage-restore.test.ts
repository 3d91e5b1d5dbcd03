import { PAGE_SIZE, PageLayout, type Block } from '@pageferry/transfer';
import {
  FrameKind,
  HEADER_BYTES,
  MAX_BLOCK_RECORDS,
  MAX_UNSETTLED_PAGES,
  PAGE_RECORD_BYTES,
  RUN_BYTES,
  blocksFrameBytes,
  readHeader,
  recordAt,
  writeAddress,
  writeBatch,
  writeBlockRecord,
  writeHeader,
  writeRun,
} from '@pageferry/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PageReceiver, type FrameSource, type PageWriter } from '../../src/page-receiver.js';
import type { BlockSink } from '../../src/storage/shared-disks.js';
import { StorageRestore, type WantedBlocks } from '../../src/storage/storage-restore.js';

const PAGES = 16;
const layout = new PageLayout([{ name: 'ram', length: PAGES * PAGE_SIZE, pageSize: PAGE_SIZE }]);
const violation: unknown = expect.objectContaining({ code: 'protocol-violation' });

/** What QEMU has: the first byte of each page. */
class FakeSession implements PageWriter {
  readonly memory = new Map<number, number>();
  placed = 0;

  async writePages(_block: Block, records: Buffer, offset: number, count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const at = offset + index * PAGE_RECORD_BYTES;
      this.memory.set(records.readUInt32BE(at + 4) / PAGE_SIZE, records[at + 8] ?? -1);
      this.placed++;
    }
    return Promise.resolve();
  }

  async writeZeroPages(_block: Block, address: number, pages: number): Promise<void> {
    for (let page = 0; page < pages; page++) this.memory.set(address / PAGE_SIZE + page, 0);
    return Promise.resolve();
  }

  async writePageDeltas(): Promise<void> {
    return Promise.reject(new Error('there are none'));
  }
}

/** A disk whose reads are done when the test says so; block n is at offset n pages, and is as its first byte says. */
class FakeDisk implements WantedBlocks {
  readonly blocks = new Uint8Array(PAGES);
  readonly lengths = [PAGES * PAGE_SIZE];
  readonly wanted: { readonly slot: number; readonly block: number }[] = [];
  #sink: BlockSink | undefined;
  readonly hash = (bytes: Uint8Array): bigint => BigInt(bytes[0] ?? 0);

  deliverTo(sink: BlockSink): void {
    this.#sink = sink;
  }

  want(_disk: number, slots: Uint32Array, offsets: Float64Array, count: number): void {
    for (let index = 0; index < count; index++) {
      this.wanted.push({ slot: slots[index] ?? 0, block: (offsets[index] ?? 0) / PAGE_SIZE });
    }
  }

  /** Does one of the reads that are wanted. */
  read(which: number, isReadable = true): void {
    const [read] = this.wanted.splice(which % this.wanted.length, 1);
    if (read === undefined) return;
    if (isReadable) this.#sink?.block(read.slot, Buffer.alloc(PAGE_SIZE, this.blocks[read.block]), 0);
    else this.#sink?.unreadable(read.slot);
    void this.#sink?.blocksEnd();
  }

  readAll(): void {
    while (this.wanted.length > 0) this.read(0);
  }
}

interface Settled {
  readonly batch: number;
  readonly failed: readonly number[];
}

interface Started {
  readonly disk: FakeDisk;
  readonly session: FakeSession;
  readonly settled: Settled[];
  readonly refused: unknown[];
  readonly receiver: PageReceiver;
}

function start(): Started {
  const disk = new FakeDisk();
  const session = new FakeSession();
  const settled: Settled[] = [];
  const refused: unknown[] = [];
  const storage = new StorageRestore({
    layout,
    disks: disk,
    place: async (block, pages, count): Promise<void> => receiver.placeRestored(block, pages, count),
    settled: (batch, _block, failed) => settled.push({ batch, failed }),
  });
  const source: FrameSource = {
    acknowledge: () => undefined,
    refuse: (reason) => refused.push(reason),
    contents: undefined,
  };
  const receiver: PageReceiver = new PageReceiver({ layout, session, window: 2 ** 21, source, storage });
  return { disk, session, settled, refused, receiver };
}

interface Named {
  readonly page: number;
  readonly content: number;
}

function blocksFrame(batch: number, named: readonly Named[]): Buffer {
  const frame = Buffer.alloc(blocksFrameBytes(named.length));
  writeHeader(frame, { kind: FrameKind.blocks, sequence: 1, block: 0, count: named.length });
  writeBatch(frame, 0, batch);
  named.forEach(({ page, content }, index) => {
    writeBlockRecord(frame, index, page * PAGE_SIZE, page * PAGE_SIZE, BigInt(content));
  });
  return frame;
}

function pagesFrame(sent: readonly Named[]): Buffer {
  const frame = Buffer.alloc(recordAt(sent.length));
  writeHeader(frame, { kind: FrameKind.pages, sequence: 1, block: 0, count: sent.length });
  sent.forEach(({ page, content }, index) => {
    writeAddress(frame, recordAt(index), page * PAGE_SIZE);
    frame.fill(content, recordAt(index) + 8, recordAt(index + 1));
  });
  return frame;
}

function runsFrame(
  kind: typeof FrameKind.zeroPages | typeof FrameKind.stale,
  first: number,
  pages: number,
): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + RUN_BYTES);
  writeHeader(frame, { kind, sequence: 1, block: 0, count: 1 });
  writeRun(frame, 0, first * PAGE_SIZE, pages);
  return frame;
}

test('a page whose block has what it had is restored', () => {
  const { disk, session, settled, receiver } = start();
  disk.blocks[3] = 7;
  receiver.take(blocksFrame(1, [{ page: 3, content: 7 }]));
  expect(session.memory.size).toBe(0);
  disk.readAll();
  expect(session.memory.get(3)).toBe(7);
  expect(settled).toEqual([{ batch: 1, failed: [] }]);
  expect(receiver.counts.restoredPages).toBe(1);
});

test('pages whose blocks have something else, or cannot be read, are named to the source', () => {
  const { disk, session, settled, receiver } = start();
  disk.blocks[3] = 7;
  receiver.take(
    blocksFrame(
      9,
      [5, 4, 3].map((page) => ({ page, content: 7 })),
    ),
  );
  disk.read(0, false);
  expect(settled).toEqual([]);
  disk.readAll();
  expect(settled).toEqual([{ batch: 9, failed: [4, 5] }]);
  expect([...session.memory.keys()]).toEqual([3]);
  expect(receiver.counts.restoredPages).toBe(1);
});

test.each([
  ['its content', pagesFrame([{ page: 3, content: 9 }]), 9],
  ['zeroes', runsFrame(FrameKind.zeroPages, 0, 5), 0],
])('a page of which %s came later is not restored', (_, frame, expected) => {
  const { disk, session, settled, receiver } = start();
  disk.blocks[3] = 7;
  receiver.take(blocksFrame(1, [{ page: 3, content: 7 }]));
  receiver.take(frame);
  disk.readAll();
  expect(session.memory.get(3)).toBe(expected);
  expect(settled).toEqual([{ batch: 1, failed: [] }]);
});

describe('from the switch-over on', () => {
  test('what was named before is forgotten', () => {
    const { disk, session, settled, receiver } = start();
    disk.blocks[3] = 7;
    receiver.take(blocksFrame(1, [{ page: 3, content: 7 }]));
    receiver.take(runsFrame(FrameKind.stale, 3, 1));
    disk.readAll();
    expect(session.memory.size).toBe(0);
    expect(settled).toEqual([]);
  });

  test('what was named before is not taken for what is named after it', () => {
    const { disk, session, settled, receiver } = start();
    disk.blocks[3] = 7;
    receiver.take(blocksFrame(1, [{ page: 3, content: 7 }]));
    receiver.take(runsFrame(FrameKind.stale, 3, 1));
    void receiver.receiveDeviceState(1);
    receiver.enterPostcopy();
    receiver.take(blocksFrame(2, [{ page: 3, content: 8 }]));
    // The read of the first one: what the page had once.
    disk.read(0);
    expect(session.memory.size).toBe(0);
    disk.blocks[3] = 8;
    disk.readAll();
    expect(session.memory.get(3)).toBe(8);
    expect(settled).toEqual([{ batch: 2, failed: [] }]);
  });

  test('a page is placed once, whatever comes first', () => {
    const { disk, session, settled, receiver } = start();
    disk.blocks.fill(7);
    receiver.take(runsFrame(FrameKind.stale, 3, 2));
    void receiver.receiveDeviceState(1);
    receiver.enterPostcopy();
    receiver.take(
      blocksFrame(
        1,
        [3, 4].map((page) => ({ page, content: 7 })),
      ),
    );
    disk.read(0);
    receiver.take(pagesFrame([3, 4].map((page) => ({ page, content: 7 }))));
    disk.readAll();
    expect(session.placed).toBe(2);
    expect(receiver.missing.count).toBe(0);
    expect(settled).toEqual([{ batch: 1, failed: [] }]);
  });
});

describe('a source is refused that', () => {
  test('has a page restored twice at once', async () => {
    const { refused, receiver } = start();
    receiver.take(blocksFrame(1, [{ page: 3, content: 7 }]));
    receiver.take(blocksFrame(2, [{ page: 3, content: 7 }]));
    await new Promise(setImmediate);
    expect(refused).toEqual([violation]);
  });

  test('names disks when none were agreed on', async () => {
    const refused: unknown[] = [];
    const source = {
      acknowledge: () => undefined,
      refuse: (reason: unknown) => refused.push(reason),
      contents: undefined,
    };
    const receiver = new PageReceiver({ layout, session: new FakeSession(), window: 2 ** 21, source });
    receiver.take(blocksFrame(1, [{ page: 3, content: 7 }]));
    await new Promise(setImmediate);
    expect(refused).toEqual([violation]);
  });

  test('has more restored at once than is allowed', () => {
    const large = new PageLayout([
      { name: 'ram', length: (MAX_UNSETTLED_PAGES + MAX_BLOCK_RECORDS) * PAGE_SIZE, pageSize: PAGE_SIZE },
    ]);
    const block = large.blockOfPage(0);
    const disk = new FakeDisk();
    const place = async (): Promise<void> => Promise.resolve();
    const storage = new StorageRestore({ layout: large, disks: disk, place, settled: () => undefined });
    const name = (batch: number): void => {
      const frame = Buffer.alloc(blocksFrameBytes(MAX_BLOCK_RECORDS));
      writeHeader(frame, { kind: FrameKind.blocks, sequence: 1, block: 0, count: MAX_BLOCK_RECORDS });
      writeBatch(frame, 0, batch);
      for (let index = 0; index < MAX_BLOCK_RECORDS; index++) {
        writeBlockRecord(frame, index, (batch * MAX_BLOCK_RECORDS + index) * PAGE_SIZE, 0, 0n);
      }
      storage.take(frame, readHeader(frame), block);
    };
    const batches = MAX_UNSETTLED_PAGES / MAX_BLOCK_RECORDS;
    for (let batch = 0; batch < batches; batch++) name(batch);
    expect(() => {
      name(batches);
    }).toThrow(violation);
    disk.readAll();
    expect(() => {
      name(batches);
    }).not.toThrow();
  });
});

/** What may happen, to a page or to one of the reads that are under way. */
const step = fc.record({
  what: fc.constantFrom('write', 'write back', 'name', 'send', 'read', 'fail'),
  page: fc.nat({ max: PAGES - 1 }),
});

test('whatever the order of writes, reads and frames, the destination ends with what the guest has', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const { disk, session, settled, receiver } = start();
      const guest = new Uint8Array(PAGES).map((_, page) => page + 1);
      disk.blocks.set(guest);
      let newest = PAGES + 1;
      let batch = 0;
      const pending = new Set(guest.keys());
      const unsettled = new Map<number, number>();
      const hear = (): void => {
        for (const { batch: number, failed } of settled.splice(0)) {
          const page = unsettled.get(number);
          unsettled.delete(number);
          if (page !== undefined && failed.includes(page)) pending.add(page);
        }
      };
      const send = (page: number): void => {
        receiver.take(pagesFrame([{ page, content: guest[page] ?? 0 }]));
        pending.delete(page);
      };
      for (const { what, page } of steps) {
        if (what === 'write') {
          guest[page] = newest++;
          pending.add(page);
        } else if (what === 'write back') disk.blocks[page] = guest[page] ?? 0;
        else if (what === 'send' && pending.has(page)) send(page);
        else if (what === 'name' && pending.has(page) && ![...unsettled.values()].includes(page)) {
          receiver.take(blocksFrame(++batch, [{ page, content: guest[page] ?? 0 }]));
          unsettled.set(batch, page);
          pending.delete(page);
        } else if (what === 'read' || what === 'fail') disk.read(page, what === 'read');
        hear();
      }
      disk.readAll();
      hear();
      for (const page of pending) send(page);
      expect(unsettled.size).toBe(0);
      expect([...guest.keys()].map((page) => session.memory.get(page))).toEqual([...guest]);
    }),
    { numRuns: 500 },
  );
});
