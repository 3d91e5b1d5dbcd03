import { describe, expect, test } from 'vitest';
import { FakeBtf } from '../support/fake-btf.js';
import { FakeDisks } from '../support/fake-disks.js';
import { addXfsTypes } from '../support/fake-file-types.js';
import { FakeLinux, FakeMemory, type Series } from '../support/fake-linux.js';
import { blockNumber, extentRecord, FakeXfs, groupBlocks, type FakeRecord } from '../support/fake-xfs.js';
import {
  guestWithDisks,
  mapPages,
  noneUnmapped,
  positions,
  type GuestWithDisks,
} from '../support/map-guest.js';

const frame = 2060;
const diskBytes = 2 ** 30;

interface Setup extends GuestWithDisks {
  readonly xfs: FakeXfs;
}

function setUp(series: Series = '6.12'): Setup {
  const guest = guestWithDisks(series);
  return { ...guest, xfs: new FakeXfs(guest.disks, guest.disks.disk('vda', diskBytes)) };
}

/** Where the pages of a file are found, in blocks; undefined for those that are not. */
async function blocksOf(
  setup: Setup,
  mapping: bigint,
  indexes: readonly number[],
): Promise<(number | undefined)[]> {
  for (const [at, index] of indexes.entries()) setup.disks.cache({ frame: frame + at, mapping, index });
  const mapped = positions(await mapPages(setup.memory));
  return indexes.map((_, at) => {
    const position = mapped[frame + at];
    return position === undefined ? undefined : Number(position.replace('vda+', '')) / 4096;
  });
}

const records: readonly FakeRecord[] = [
  { start: 0, length: 4, block: blockNumber(0, 20) },
  { start: 4, length: 2, block: blockNumber(3, 2047) },
  { start: 8, length: 2, block: blockNumber(1, 5), unwritten: true },
  { start: 10, length: 2, block: 2 ** 52 - 2 ** 17 + 3 },
  { start: 20, length: 2 ** 21 - 1, block: blockNumber(2, 0) },
];

test.each<Series>(['6.1', '6.12'])(
  'Linux %s: a few extents are at the root; what is not written or yet to be placed is nowhere',
  async (series) => {
    const setup = setUp(series);
    const found = await blocksOf(setup, setup.xfs.small(records), [0, 3, 4, 5, 6, 8, 10, 21]);
    const third = 3 * groupBlocks + 2047;
    expect(found).toEqual([20, 23, third, third + 1, undefined, undefined, undefined, 2 * groupBlocks + 1]);
    expect((await mapPages(setup.memory)).unmapped).toEqual({ ...noneUnmapped, noExtent: 3 });
  },
);

test('no record is read behind the end of a root that is shorter than others', async () => {
  const setup = setUp();
  const root = setup.disks.place(Buffer.concat(records.map(extentRecord)));
  const file = setup.xfs.file({ root, bytes: 16 });
  expect(await blocksOf(setup, file, [0, 4])).toEqual([20, undefined]);
});

describe('a tree', () => {
  test('is walked where pages are wanted', async () => {
    const setup = setUp();
    const { xfs } = setup;
    const leaf = (start: number): bigint => xfs.leaf([{ start, length: 10, block: 100 + start }]);
    const low = xfs.node([0, 10, 20].map((key) => ({ key, child: leaf(key) })));
    const high = xfs.node(
      Array.from({ length: 16 }, (_, at) => ({ key: 100 + at * 10, child: leaf(100 + at * 10) })),
    );
    // What is below 100 is there, too.
    const root = xfs.node([
      { key: 5, child: low },
      { key: 100, child: high },
    ]);
    const file = xfs.file({ root, height: 3, bytes: 19 * 16, format: 3 });
    expect(await blocksOf(setup, file, [0, 15, 29, 30, 100, 259, 260])).toEqual([
      ...[100, 115, 129, undefined],
      ...[200, 359, undefined],
    ]);
  });

  test('that goes round in a circle ends', async () => {
    const setup = setUp();
    const node = setup.xfs.node([]);
    for (let child = 0; child < 16; child++) {
      setup.disks.put(node, child * 8, BigInt(child));
      setup.disks.put(node, 128 + child * 8, node);
    }
    const file = setup.xfs.file({ root: node, height: 16, bytes: 2 ** 40, format: 3 });
    // Its first two keys are a record, too.
    expect(await blocksOf(setup, file, [0, 1, 7])).toEqual([0, undefined, undefined]);
  });

  test.each([0, 17, 2 ** 31])('of a height of %i is none', async (height) => {
    const setup = setUp();
    const root = setup.xfs.leaf(records);
    expect(await blocksOf(setup, setup.xfs.file({ root, height, bytes: 80 }), [0])).toEqual([undefined]);
  });
});

test.each([
  ['is on a realtime device', { flags: 1 }, 'encoding'],
  ['lies within the inode', { format: 1 }, 'encoding'],
  ['was not looked at since', { height: 0, bytes: 0, format: 3 }, 'noExtent'],
] as const)('a file that %s is not mapped', async (_title, options, reason) => {
  const setup = setUp();
  const file = setup.xfs.file({ root: setup.xfs.leaf(records), bytes: 80, ...options });
  expect(await blocksOf(setup, file, [0])).toEqual([undefined]);
  expect((await mapPages(setup.memory)).unmapped).toEqual({ ...noneUnmapped, [reason]: 1 });
});

test('xfs may be a module', async () => {
  const memory = new FakeMemory();
  const linux = new FakeLinux(memory);
  const disks = new FakeDisks(memory, linux);
  const own = new FakeBtf(linux.types);
  addXfsTypes(own, 'if_data');
  disks.loadModule('xfs', own.encode());
  const mapping = new FakeXfs(disks, disks.disk('vda', diskBytes)).small(records);
  disks.cache({ frame, mapping, index: 1 });
  expect(positions(await mapPages(memory))).toEqual({ [frame]: `vda+${21 * 4096}` });
});

test('a module whose types build upon others than the kernel has is not believed', async () => {
  const memory = new FakeMemory();
  const linux = new FakeLinux(memory);
  const disks = new FakeDisks(memory, linux);
  const other = new FakeBtf();
  const own = new FakeBtf(other);
  addXfsTypes(own, 'if_data');
  disks.loadModule('xfs', own.encode(), other);
  const mapping = new FakeXfs(disks, disks.disk('vda', diskBytes)).small(records);
  disks.cache({ frame, mapping, index: 1 });
  expect((await mapPages(memory)).unmapped).toEqual({ ...noneUnmapped, filesystem: 1 });
});

test('a list of modules that goes round in a circle ends', async () => {
  const memory = new FakeMemory();
  const linux = new FakeLinux(memory);
  const disks = new FakeDisks(memory, linux);
  disks.loadModule('other', new FakeBtf(linux.types).encode());
  const first = memory.bytes.readBigUInt64LE(linux.image.physical('btf_modules'));
  disks.put(first, 0, first);
  const mapping = new FakeXfs(disks, disks.disk('vda', diskBytes)).small(records);
  disks.cache({ frame, mapping, index: 1 });
  expect((await mapPages(memory)).unmapped).toEqual({ ...noneUnmapped, filesystem: 1 });
});
