import { describe, expect, test } from 'vitest';
import { openGuest, pageClassNames, type PageClassName } from '@pageferry/introspect';
import { FakeLinux, FakeMemory, fakePages, type FakePage, type Series } from './support/fake-linux.js';

const file = 0xffff_8880_1234_5678n;
const cleanFlags = ['lru', 'uptodate'];
const clean: FakePage = { flags: cleanFlags, mapping: file };
const frame = 3072;
/** Of a frame in the second range of memory, which begins behind a hole. */
const behindHole = { frame: 16_384 + 4, index: 4096 + 4 };

interface Setup {
  readonly memory: FakeMemory;
  readonly linux: FakeLinux;
}

function setUp(series: Series): Setup {
  const memory = new FakeMemory();
  return { memory, linux: new FakeLinux(memory, { series }) };
}

async function classify({ memory }: Setup): Promise<(index: number, count?: number) => PageClassName[]> {
  const guest = await openGuest(memory);
  if (guest.kind === 'unsupported') throw new Error(guest.reason);
  const pages = await guest.classify();
  if (pages.kind === 'unsupported') throw new Error(pages.reason);
  expect(pages.classes).toHaveLength(fakePages);
  return (index, count = 1) =>
    [...pages.classes.subarray(index, index + count)].map((value) => pageClassNames[value] ?? 'kernel');
}

async function classOf(series: Series, page: FakePage): Promise<PageClassName | undefined> {
  const setup = setUp(series);
  setup.linux.writePage(frame, page);
  return (await classify(setup))(frame)[0];
}

describe.each<Series>(['6.1', '6.12'])('Linux %s', (series) => {
  test.each<[PageClassName, string, FakePage]>([
    ['kernel', 'a page that nothing is known of', {}],
    ['kernel', 'an unused page on no list', { refcount: 0 }],
    ['kernel', 'a reserved page', { ...clean, flags: [...cleanFlags, 'reserved'] }],
    ['kernel', 'a page table', { ...clean, mapcount: series === '6.1' ? ~0x200 : 0xf2 << 24 }],
    ['kernel', 'a page that its driver can move', { mapping: file + 2n }],
    ['anonymous', 'a page of a process', { mapping: file + 1n, mapcount: 0 }],
    ['anonymous', 'a page that two processes share by KSM', { mapping: file + 3n, mapcount: 1 }],
    ['anonymous', 'a page of a tmpfs', { ...clean, flags: [...cleanFlags, 'swapbacked'] }],
    ['inode', 'a page of a file that is mapped', { ...clean, mapcount: 0 }],
    ['inode', 'a dirty page of a file', { ...clean, flags: [...cleanFlags, 'dirty'] }],
    ['inode', 'a page of a file that is written back', { ...clean, flags: [...cleanFlags, 'writeback'] }],
    ['inode', 'a page of a file that is being read', { ...clean, flags: ['lru', 'locked'] }],
    ['inode', 'a page of a file that must stay', { ...clean, flags: [...cleanFlags, 'unevictable'] }],
    ['cache', 'a clean page of a file', clean],
  ])('%s: %s', async (expected, _title, page) => {
    expect(await classOf(series, page)).toBe(expected);
  });

  test.each([0, 1, 4, 10])('free: all pages of a block of order %i, and none behind it', async (order) => {
    const setup = setUp(series);
    setup.linux.writeFreeBlock(2048, order);
    const classes = await classify(setup);
    expect(new Set(classes(2048, 2 ** order))).toEqual(new Set(['free']));
    expect(classes(2047)).toEqual(['kernel']);
    expect(classes(2048 + 2 ** order)).toEqual(['kernel']);
  });

  test.each<[string, (linux: FakeLinux) => void]>([
    [
      'an order beyond all',
      (linux) => {
        linux.writeFreeBlock(2050, 11);
      },
    ],
    [
      'an order for another place',
      (linux) => {
        linux.image.put64(linux.pagePlace(2050) + 40, 2n);
      },
    ],
    [
      'a huge order',
      (linux) => {
        linux.image.put64(linux.pagePlace(2050) + 40, 2n ** 32n);
      },
    ],
    [
      'an owner',
      (linux) => {
        linux.image.memory.writeInt32LE(1, linux.pagePlace(2050) + 52);
      },
    ],
    [
      'a flag',
      (linux) => {
        linux.image.put64(linux.pagePlace(2050), BigInt(linux.flags.get('dirty') ?? 0));
      },
    ],
  ])('a free block with %s is not believed', async (_title, spoil) => {
    const setup = setUp(series);
    setup.linux.writeFreeBlock(2050, 0);
    spoil(setup.linux);
    const classes = await classify(setup);
    expect(classes(2050, 8)).not.toContain('free');
  });

  test('a block is free only up to the first page that somebody uses', async () => {
    const setup = setUp(series);
    setup.linux.writeFreeBlock(2048, 3);
    setup.linux.writePage(2050, { mapping: file + 1n, mapcount: 0 });
    expect((await classify(setup))(2048, 4)).toEqual(['free', 'free', 'anonymous', 'kernel']);
  });

  test('pages behind the first one of a compound page are what that one is', async () => {
    const setup = setUp(series);
    setup.linux.writePage(2048, { flags: ['head'], mapping: file + 1n, mapcount: 0 });
    for (let tail = 2049; tail < 2052; tail++) setup.linux.writePage(tail, { tailOf: 2048, refcount: 0 });
    setup.linux.writePage(2052, { tailOf: 2060, refcount: 0 });
    setup.linux.writePage(2053, { tailOf: 2 ** 40, refcount: 0 });
    const rest = ['kernel', 'kernel'];
    expect((await classify(setup))(2048, 6)).toEqual([...Array<string>(4).fill('anonymous'), ...rest]);
  });

  test.each([
    { mapcount: -1, expected: 'cache' },
    { mapcount: 0, expected: 'inode' },
  ])(
    'a large folio of a file is $expected with a count of mappings of $mapcount',
    async ({ mapcount, expected }) => {
      const setup = setUp(series);
      setup.linux.writePage(2048, { ...clean, flags: [...cleanFlags, 'head'] });
      for (let tail = 2049; tail < 2052; tail++) setup.linux.writePage(tail, { tailOf: 2048, refcount: 0 });
      setup.linux.writeLargeMapcount(2048, mapcount);
      expect((await classify(setup))(2048, 4)).toEqual(Array(4).fill(expected));
    },
  );

  test('free: what a processor keeps on its lists, single pages and blocks', async () => {
    const setup = setUp(series);
    const { linux } = setup;
    for (let page = 2048; page < 2056; page++) linux.writePage(page, { refcount: 0 });
    linux.linkPerCpuList(0, [2048, 2050]);
    linux.linkPerCpuList(3, [2052], 4);
    const kept = ['free', 'kernel', 'free', 'kernel', 'free', 'free', 'kernel', 'kernel'];
    expect((await classify(setup))(2048, 8)).toEqual(kept);
  });

  test('a page on such a list that somebody uses is not free', async () => {
    const setup = setUp(series);
    setup.linux.writePage(2048, { refcount: 1 });
    setup.linux.writePage(2049, { mapping: file + 1n, mapcount: 0 });
    setup.linux.linkPerCpuList(0, [2048, 2049]);
    expect((await classify(setup))(2048, 2)).toEqual(['kernel', 'anonymous']);
  });

  test('a list that goes round in a circle ends', async () => {
    const setup = setUp(series);
    for (let page = 2048; page < 2051; page++) setup.linux.writePage(page, { refcount: 0 });
    setup.linux.linkPerCpuList(0, [2048, 2049, 2050], 2 ** 31 - 1);
    setup.linux.image.put64(setup.linux.pagePlace(2050) + 8, setup.linux.pageAddress(2049) + 8n);
    expect((await classify(setup))(2048, 3)).toEqual(['free', 'free', 'free']);
  });

  test('finds the pages of memory behind a hole', async () => {
    const setup = setUp(series);
    setup.linux.writePage(behindHole.frame, clean);
    setup.linux.writeFreeBlock(16_384 + 8, 3);
    const classes = await classify(setup);
    expect(classes(behindHole.index)).toEqual(['cache']);
    expect(new Set(classes(4096 + 8, 8))).toEqual(new Set(['free']));
  });
});

test('6.1: a slab has a flag; 6.12: a type', async () => {
  expect(await classOf('6.1', { ...clean, flags: [...cleanFlags, 'slab'] })).toBe('kernel');
  expect(await classOf('6.12', { ...clean, mapcount: 0xf5 << 24 })).toBe('kernel');
});

test('6.1: of a large folio of a file, a page that is mapped by itself is inode', async () => {
  const setup = setUp('6.1');
  setup.linux.writePage(2048, { ...clean, flags: [...cleanFlags, 'head'] });
  setup.linux.writePage(2049, { tailOf: 2048 });
  setup.linux.writePage(2050, { tailOf: 2048, mapcount: 0 });
  setup.linux.writeLargeMapcount(2048, -1);
  expect((await classify(setup))(2048, 3)).toEqual(['cache', 'cache', 'inode']);
});

test('6.12: pages of hugetlbfs have a type, and belong to processes or files', async () => {
  const hugetlb = 0xf4 << 24;
  expect(await classOf('6.12', { mapcount: hugetlb, mapping: file + 1n })).toBe('anonymous');
  expect(await classOf('6.12', { ...clean, mapcount: hugetlb })).toBe('inode');
  expect(await classOf('6.12', { mapcount: hugetlb })).toBe('kernel');
});

test("counts the classes, and says what the guest's kernel counts as free", async () => {
  const { memory, linux } = setUp('6.12');
  linux.writeFreeBlock(2048, 4);
  linux.image.put64(linux.zone + 256, 16n);
  const guest = await openGuest(memory);
  const pages = guest.kind === 'linux' ? await guest.classify() : guest;
  expect(pages).toMatchObject({
    kind: 'classified',
    counts: { kernel: fakePages - 16, free: 16, anonymous: 0, inode: 0, cache: 0 },
    freePagesByKernel: 16,
  });
});

test('sections with page arrays of their own are unsupported', async () => {
  const { memory, linux } = setUp('6.12');
  linux.image.put64(linux.image.physical('sections') + 4 * 16, 0xffff_eb00_0000_000fn);
  const guest = await openGuest(memory);
  const pages = guest.kind === 'linux' ? await guest.classify() : guest;
  expect(pages).toEqual({ kind: 'unsupported', reason: 'the sections of memory have several page arrays' });
});

test('a guest that has rebooted since is unsupported until it is opened anew', async () => {
  const { memory, linux } = setUp('6.12');
  const guest = await openGuest(memory, { pageTables: [linux.pageTables] });
  if (guest.kind === 'unsupported') throw new Error(guest.reason);
  const later = new FakeLinux(memory, { series: '6.12', start: 8 * 2 ** 20 });
  // What the earlier kernel has left is still whole.
  const answer = await guest.classify({ pageTables: [later.pageTables] });
  expect(answer).toMatchObject({ kind: 'unsupported' });
  const opened = await openGuest(memory, { pageTables: [later.pageTables] });
  expect(opened.kind).toBe('linux');

  memory.bytes.fill(0, linux.pageTables, linux.pageTables + 4096);
  expect(await guest.classify()).toMatchObject({ kind: 'unsupported' });
});
