import { ContentStore, PAGE_SIZE, PageLayout, encodePagePatch, type Block } from '@pageferry/transfer';
import {
  FrameKind,
  HEADER_BYTES,
  NO_SLOT,
  PAGE_RECORD_BYTES,
  PATCH_HEADER_BYTES,
  REFERENCE_BYTES,
  RUN_BYTES,
  SLOT_BYTES,
  compressPages,
  writeAddress,
  writeHeader,
  writePatchHeader,
  writeReference,
  writeRun,
} from '@pageferry/wire';
import { beforeEach, expect, test } from 'vitest';
import { ConnectionContents } from '../src/connection-contents.js';
import { takeLateFrame } from '../src/keep-contents.js';
import { PageReceiver, type FrameSource, type PageWriter } from '../src/page-receiver.js';

const PAGES = 64;
const layout = new PageLayout([{ name: 'ram', length: PAGES * PAGE_SIZE, pageSize: PAGE_SIZE }]);

/** What QEMU has: each page's first byte. */
class FakeSession implements PageWriter {
  readonly memory = new Map<number, number>();

  async writePages(_block: Block, records: Buffer, offset: number, count: number): Promise<void> {
    await Promise.resolve();
    for (let index = 0; index < count; index++) {
      const at = offset + index * PAGE_RECORD_BYTES;
      this.memory.set(records.readUInt32BE(at + 4) / PAGE_SIZE, records[at + 8] ?? -1);
    }
  }

  async writeZeroPages(): Promise<void> {
    return Promise.reject(new Error('there are none'));
  }

  async writePageDeltas(): Promise<void> {
    return Promise.reject(new Error('there are none'));
  }
}

let contents: ContentStore;
let refused: unknown[];

beforeEach(() => {
  contents = new ContentStore(8 * PAGE_SIZE);
  refused = [];
});

function receive(kept: ContentStore | null = contents): { receiver: PageReceiver; session: FakeSession } {
  const session = new FakeSession();
  const source: FrameSource = {
    acknowledge: () => undefined,
    refuse: (reason) => refused.push(reason),
    contents: kept === null ? undefined : new ConnectionContents(kept),
  };
  return { receiver: new PageReceiver({ layout, session, window: 2 ** 21, source }), session };
}

interface Stored {
  readonly page: number;
  readonly content: number;
  readonly slot: number;
}

function storedFrame(...pages: readonly Stored[]): Buffer {
  const end = HEADER_BYTES + pages.length * PAGE_RECORD_BYTES;
  const frame = Buffer.alloc(end + pages.length * SLOT_BYTES);
  writeHeader(frame, { kind: FrameKind.storedPages, sequence: 1, block: 0, count: pages.length });
  pages.forEach(({ page, content, slot }, index) => {
    const at = HEADER_BYTES + index * PAGE_RECORD_BYTES;
    writeAddress(frame, at, page * PAGE_SIZE);
    frame.fill(content, at + 8, at + PAGE_RECORD_BYTES);
    frame.writeUInt32BE(slot, end + index * SLOT_BYTES);
  });
  return frame;
}

function referencesFrame(
  ...references: readonly (readonly [page: number, slot: number, generation: number])[]
) {
  const frame = Buffer.alloc(HEADER_BYTES + references.length * REFERENCE_BYTES);
  writeHeader(frame, { kind: FrameKind.references, sequence: 2, block: 0, count: references.length });
  references.forEach(([page, slot, generation], index) => {
    writeReference(frame, index, page * PAGE_SIZE, slot, generation);
  });
  return frame;
}

function patchFrame(page: number, slot: number, generation: number, patch: Buffer): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + PATCH_HEADER_BYTES + patch.length);
  writeHeader(frame, { kind: FrameKind.patches, sequence: 3, block: 0, count: 1 });
  writePatchHeader(frame, HEADER_BYTES, page * PAGE_SIZE, slot, generation, patch.length);
  patch.copy(frame, HEADER_BYTES + PATCH_HEADER_BYTES);
  return frame;
}

/** What makes a page of `to` of one of `from`, but for its second half. */
function patchOf(from: number, to: number): Buffer {
  const wordsOf = (byte: number): Int32Array => new Int32Array(PAGE_SIZE / 4).fill(byte * 0x01010101);
  const [before, after] = [wordsOf(from), wordsOf(from)];
  after.fill(to * 0x01010101, 0, PAGE_SIZE / 8);
  const patch = Buffer.alloc(PAGE_SIZE);
  const length = encodePagePatch({ words: before, start: 0 }, { words: after, start: 0 }, patch, 0, 3000);
  return patch.subarray(0, length);
}

const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a page that one guest got is the content of a reference for another', async () => {
  const [one, other] = [receive(), receive()];
  one.receiver.take(storedFrame({ page: 1, content: 11, slot: 3 }, { page: 2, content: 22, slot: NO_SLOT }));
  other.receiver.take(referencesFrame([9, 3, 1], [10, 3, 1]));
  await turn();
  expect(one.session.memory).toEqual(new Map([[1, 11], [2, 22]])); // prettier-ignore
  expect(other.session.memory).toEqual(new Map([[9, 11], [10, 11]])); // prettier-ignore
  expect(other.receiver.counts).toMatchObject({ normalPages: 0, referencePages: 2 });
  expect(refused).toEqual([]);
});

test('what came compressed is kept, too', async () => {
  const { receiver, session } = receive();
  receiver.take(await compressPages(storedFrame({ page: 1, content: 11, slot: 0 })));
  receiver.take(referencesFrame([2, 0, 1]));
  await turn();
  expect(session.memory.get(2)).toBe(11);
});

test('a patch makes a page of a content that is kept', async () => {
  const { receiver, session } = receive();
  receiver.take(storedFrame({ page: 1, content: 11, slot: 0 }));
  receiver.take(patchFrame(5, 0, 1, patchOf(11, 55)));
  await turn();
  expect(session.memory.get(5)).toBe(55);
  expect(receiver.counts.patchPages).toBe(1);
});

test('in post-copy only pages that are missing are placed', async () => {
  const { receiver, session } = receive();
  receiver.take(storedFrame({ page: 1, content: 11, slot: 0 }));
  const stale = Buffer.alloc(HEADER_BYTES + RUN_BYTES);
  writeHeader(stale, { kind: FrameKind.stale, sequence: 9, block: 0, count: 1 });
  writeRun(stale, 0, 4 * PAGE_SIZE, 1);
  receiver.take(stale);
  void receiver.receiveDeviceState(1);
  receiver.enterPostcopy();
  receiver.take(referencesFrame([4, 0, 1], [5, 0, 1]));
  receiver.take(referencesFrame([4, 0, 1]));
  await turn();
  expect([...session.memory.keys()]).toEqual([1, 4]);
  expect(receiver.missing.count).toBe(0);
});

test.each([
  ['a slot that is empty', referencesFrame([1, 0, 0])],
  ['a slot that there is not', referencesFrame([1, 8, 1])],
  ['a content that is not the one that the slot has now', referencesFrame([1, 3, 2])],
  ['a page that there is not', referencesFrame([PAGES, 3, 1])],
  ['nothing', referencesFrame()],
  ['a content that is gone, in a patch', patchFrame(1, 3, 7, patchOf(1, 2))],
  ['a patch that makes no page', patchFrame(1, 3, 1, Buffer.of(0x80))],
  ['a slot to keep in that there is not', storedFrame({ page: 1, content: 1, slot: 8 })],
  ['slots that are cut off', storedFrame({ page: 1, content: 1, slot: 0 }).subarray(0, -1)],
])('%s is refused, and QEMU sees nothing of it', async (_what, frame) => {
  const { receiver, session } = receive();
  contents.put(3, Buffer.alloc(PAGE_SIZE, 7), 0);
  receiver.take(frame);
  await turn();
  expect(refused).toMatchObject([{ code: 'protocol-violation' }]);
  expect(session.memory.size).toBe(0);
});

test('what pages of a guest are put into, that QEMU did not take, is not used for those of another one', async () => {
  const shared = new ConnectionContents(contents);
  const used: Buffer[] = [];
  const source = { acknowledge: () => undefined, refuse: () => undefined, contents: shared };
  contents.put(3, Buffer.alloc(PAGE_SIZE, 7), 0);
  for (const fails of [true, false, false]) {
    const session = new FakeSession();
    session.writePages = async (_block, records) => {
      used.push(records);
      if (fails) return Promise.reject(new Error('QEMU is gone'));
    };
    new PageReceiver({ layout, session, window: 2 ** 21, source }).take(referencesFrame([1, 3, 1]));
    await turn();
  }
  expect(used[1]).not.toBe(used[0]);
  expect(used[2]).toBe(used[1]);
});

test('without a store nothing can be referred to', async () => {
  const { receiver } = receive(null);
  receiver.take(storedFrame({ page: 1, content: 1, slot: 0 }));
  receiver.take(referencesFrame([1, 0, 1]));
  await turn();
  const none = {
    code: 'protocol-violation',
    message: 'the source refers to contents, and no store was agreed on',
  };
  expect(refused).toMatchObject([none, none]);
});

test('what comes late is kept for others, whatever guest it was for', async () => {
  takeLateFrame(contents, storedFrame({ page: 10 * PAGES, content: 11, slot: 0 }));
  takeLateFrame(contents, await compressPages(storedFrame({ page: 1, content: 22, slot: 1 })));
  takeLateFrame(contents, referencesFrame([1, 0, 1]));
  const { receiver, session } = receive();
  receiver.take(referencesFrame([1, 0, 1], [2, 1, 2]));
  await turn();
  expect(session.memory).toEqual(new Map([[1, 11], [2, 22]])); // prettier-ignore
});

test('a late frame that is not well formed is refused', () => {
  const frame = storedFrame({ page: 1, content: 1, slot: 8 });
  expect(() => {
    takeLateFrame(contents, frame);
  }).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
});
