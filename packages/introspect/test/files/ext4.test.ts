import { describe, expect, test } from 'vitest';
import { extentNode, extentRoot, FakeExt4, type FakeEntry, type FakeExtent } from '../support/fake-ext4.js';
import { addExt4Types } from '../support/fake-file-types.js';
import { FakeBtf } from '../support/fake-btf.js';
import { FakeDisks, type FakeDisk } from '../support/fake-disks.js';
import { FakeLinux, FakeMemory } from '../support/fake-linux.js';
import {
  guestWithDisks,
  mapPages,
  noneUnmapped,
  positions,
  type GuestWithDisks,
} from '../support/map-guest.js';

const MIB = 2 ** 20;
const frame = 2060;
const nodeFrame = 2200;

interface Setup extends GuestWithDisks {
  readonly disk: FakeDisk;
  readonly ext4: FakeExt4;
  /** Caches a block of the file system's own. */
  readonly cacheNode: (block: number, node: Uint8Array) => void;
}

function setUp(blockBytes = 4096): Setup {
  const guest = guestWithDisks('6.12');
  const disk = guest.disks.disk('vda', 1024 * MIB);
  let nodes = 0;
  const cacheNode = (block: number, node: Uint8Array): void => {
    const position = block * blockBytes;
    const index = Math.floor(position / 4096);
    guest.disks.cache({ frame: nodeFrame + nodes, mapping: disk.mapping, index });
    guest.memory.bytes.set(node, (nodeFrame + nodes++) * 4096 + (position % 4096));
  };
  return { ...guest, disk, ext4: new FakeExt4(guest.disks, disk, blockBytes), cacheNode };
}

/** Where the pages of a file are found, in blocks of 4 KiB; undefined for those that are not. */
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

const extents = [
  { start: 0, length: 2, block: 700 },
  { start: 2, length: 3, block: 500 },
  { start: 9, length: 1, block: 2 ** 17 },
] as const satisfies FakeExtent[];

describe('extents in the inode', () => {
  test('say where pages are; a hole is nowhere', async () => {
    const setup = setUp();
    const file = setup.ext4.file(extentRoot(0, extents));
    expect(await blocksOf(setup, file, [9, 4, 3, 2, 1, 0, 5, 8, 10])).toEqual([
      2 ** 17,
      ...[502, 501, 500, 701, 700],
      ...[undefined, undefined, undefined],
    ]);
    expect((await mapPages(setup.memory)).unmapped).toEqual({ ...noneUnmapped, noExtent: 3 });
  });

  test('that are not written yet are nowhere; the longest written one is', async () => {
    const setup = setUp();
    const [written, unwritten] = [
      { start: 0, length: 32_768, block: 10 },
      { start: 32_768, length: 32_768 + 5, block: 50_000 },
    ];
    const file = setup.ext4.file(extentRoot(0, [written, unwritten]));
    expect(await blocksOf(setup, file, [32_767, 32_768])).toEqual([32_777, undefined]);
  });

  test.each<[string, Buffer]>([
    ['another mark', Buffer.from(extentRoot(0, extents)).fill(0, 0, 2)],
    ['more entries than there is room for', Buffer.from(extentRoot(0, extents)).fill(5, 2, 3)],
    ['more levels than there may be', Buffer.from(extentRoot(6, extents))],
    ['extents that overlap', extentRoot(0, [{ start: 0, length: 9, block: 1 }, ...extents.slice(1)])],
    ['extents out of order', extentRoot(0, [...extents.slice(1), ...extents.slice(0, 1)])],
  ])('are not believed with %s', async (_title, root) => {
    const setup = setUp();
    expect(await blocksOf(setup, setup.ext4.file(root), [0])).toEqual([undefined]);
  });
});

describe('a tree of extents', () => {
  const leaves: readonly (readonly FakeExtent[])[] = [
    [{ start: 0, length: 10, block: 1000 }],
    [{ start: 100, length: 10, block: 2000 }],
    [{ start: 200, length: 10, block: 3000 }],
  ];
  const index: FakeEntry[] = leaves.map(([first], leaf) => ({ start: first?.start ?? 0, block: 40 + leaf }));

  test.each([4096, 1024])(
    'is read out of the cache of its disk, in blocks of %i bytes',
    async (blockBytes) => {
      const setup = setUp(blockBytes);
      const perPage = 4096 / blockBytes;
      for (const [leaf, entries] of leaves.entries()) {
        const inBlocks = entries.map(({ start, length, block }) => ({
          start: start * perPage,
          length: length * perPage,
          block: block * perPage,
        }));
        setup.cacheNode(40 + leaf * perPage, extentNode(blockBytes, 0, inBlocks));
      }
      const middle = index.map(({ start }, leaf) => ({ start: start * perPage, block: 40 + leaf * perPage }));
      setup.cacheNode(80, extentNode(blockBytes, 1, middle));
      const file = setup.ext4.file(extentRoot(2, [{ start: 0, block: 80 }]));
      expect(await blocksOf(setup, file, [0, 9, 10, 105, 209])).toEqual([1000, 1009, undefined, 2005, 3009]);
    },
  );

  test('is used as far as it is in memory', async () => {
    const setup = setUp();
    setup.cacheNode(41, extentNode(4096, 0, leaves[1] ?? []));
    const file = setup.ext4.file(extentRoot(1, index));
    expect(await blocksOf(setup, file, [0, 100, 200])).toEqual([undefined, 2000, undefined]);
  });

  test('is used when its blocks are changed in memory only', async () => {
    const setup = setUp();
    setup.cacheNode(41, extentNode(4096, 0, leaves[1] ?? []));
    setup.disks.cache({
      frame: nodeFrame,
      mapping: setup.disk.mapping,
      index: 41,
      flags: ['lru', 'uptodate', 'dirty'],
    });
    expect(await blocksOf(setup, setup.ext4.file(extentRoot(1, index)), [100])).toEqual([2000]);
  });

  test('whose nodes name themselves ends', async () => {
    const setup = setUp();
    const loop = Array.from({ length: 4 }, (_, entry) => ({ start: entry * 64, block: 40 }));
    setup.cacheNode(40, extentNode(4096, 4, loop));
    const file = setup.ext4.file(extentRoot(5, loop));
    expect(await blocksOf(setup, file, [0, 100, 200])).toEqual([undefined, undefined, undefined]);
  });
});

describe('what the kernel remembers of extents', () => {
  const nowhere = extentRoot(1, [{ start: 0, block: 99 }]);

  test('is used where the tree is not in memory', async () => {
    const setup = setUp();
    const { ext4 } = setup;
    const left = ext4.status({ start: 0, length: 5, block: 300 });
    const unwritten = ext4.status({ start: 30, length: 5, block: 600, kind: 'unwritten' });
    const right = ext4.status({
      start: 20,
      length: 5,
      block: 500,
      kind: 'written and used',
      right: unwritten,
    });
    const status = ext4.status({ start: 10, length: 5, block: 2 ** 17, left, right });
    const found = await blocksOf(setup, ext4.file(nowhere, { status }), [4, 5, 12, 20, 30]);
    expect(found).toEqual([304, undefined, 2 ** 17 + 2, 500, undefined]);
  });

  test.each(['delayed', 'hole', 'unwritten'] as const)('does not help if it is %s', async (kind) => {
    const setup = setUp();
    const status = setup.ext4.status({ start: 0, length: 5, block: 300, kind });
    expect(await blocksOf(setup, setup.ext4.file(nowhere, { status }), [0])).toEqual([undefined]);
  });

  test('ends in a tree that goes round in a circle, or is out of order', async () => {
    const setup = setUp();
    const { ext4 } = setup;
    const circle = ext4.status({ start: 10, length: 5, block: 300 });
    ext4.link(circle, circle, circle);
    const left = ext4.status({ start: 50, length: 5, block: 400 });
    const unordered = ext4.status({ start: 40, length: 5, block: 500, left });
    const [first, second] = [
      ext4.file(nowhere, { status: circle }),
      ext4.file(nowhere, { status: unordered }),
    ];
    expect(await blocksOf(setup, first, [0, 10, 20])).toEqual([undefined, undefined, undefined]);
    expect(await blocksOf(setup, second, [10, 40, 50])).toEqual([undefined, undefined, undefined]);
  });
});

test('blocks that are smaller than a page are mapped where they are next to each other', async () => {
  const setup = setUp(1024);
  const pieces = [
    { start: 0, length: 6, block: 1001 },
    { start: 6, length: 2, block: 1007 },
    { start: 8, length: 2, block: 2000 },
    { start: 10, length: 3, block: 3000 },
  ];
  const file = setup.ext4.file(extentRoot(0, pieces));
  expect(await blocksOf(setup, file, [0, 1, 2, 3, 4])).toEqual([
    1001 / 4,
    1005 / 4,
    ...[undefined, undefined, undefined],
  ]);
  expect((await mapPages(setup.memory)).unmapped).toEqual({ ...noneUnmapped, encoding: 2, noExtent: 1 });
});

test.each([
  ['is encrypted', 0x8_0800],
  ['lies within the inode', 0x1008_0000],
  ['is compressed', 0x8_0004],
  ['is an attribute of another file', 0x28_0000],
  ['has no extents', 0],
])('a file that %s is not mapped', async (_title, flags) => {
  const setup = setUp();
  const file = setup.ext4.file(extentRoot(0, extents), { flags });
  expect(await blocksOf(setup, file, [0])).toEqual([undefined]);
  expect((await mapPages(setup.memory)).unmapped).toEqual({ ...noneUnmapped, encoding: 1 });
});

test.each([512, 3000, 8192])('a file system with blocks of %i bytes is not mapped', async (blockBytes) => {
  const setup = setUp();
  const file = new FakeExt4(setup.disks, setup.disk, blockBytes).file(extentRoot(0, extents));
  expect(await blocksOf(setup, file, [0])).toEqual([undefined]);
});

test('ext4 may be a module', async () => {
  const memory = new FakeMemory();
  const linux = new FakeLinux(memory);
  const disks = new FakeDisks(memory, linux);
  const [other, own] = [new FakeBtf(linux.types), new FakeBtf(linux.types)];
  addExt4Types(own);
  disks.loadModule('ext4', own.encode());
  disks.loadModule('other', other.encode());
  const disk = disks.disk('vda', 64 * MIB);
  const mapping = new FakeExt4(disks, disk).file(extentRoot(0, extents));
  disks.cache({ frame, mapping, index: 0 });
  expect(positions(await mapPages(memory))).toEqual({ [frame]: `vda+${700 * 4096}` });
});
