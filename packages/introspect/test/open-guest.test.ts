import { describe, expect, test } from 'vitest';
import { openGuest, type KnownLinux } from '@pageferry/introspect';
import { FakeLinux, FakeMemory, fakePages, type FakeLinuxOptions } from './support/fake-linux.js';

const MIB = 2 ** 20;

/** The reason why a guest is not supported; what is found instead makes the test fail. */
async function reasonAgainst(memory: FakeMemory, pageTables?: readonly number[]): Promise<string> {
  const guest = await openGuest(memory, pageTables === undefined ? {} : { pageTables });
  return guest.kind === 'unsupported' ? guest.reason : `found ${guest.release}`;
}

function memoryOf(options: FakeLinuxOptions): FakeMemory {
  const memory = new FakeMemory();
  new FakeLinux(memory, options);
  return memory;
}

test.each([
  { series: '6.1', fiveLevels: false },
  { series: '6.1', fiveLevels: true },
  { series: '6.12', fiveLevels: false },
  { series: '6.12', fiveLevels: true },
] as const)('finds Linux $series, five levels of page tables: $fiveLevels', async (options) => {
  const guest = await openGuest(memoryOf(options));
  expect(guest).toMatchObject({ kind: 'linux', release: `${options.series}.7-test`, pageCount: fakePages });
});

test.each<[string, Readonly<Record<string, string | undefined>>, RegExp]>([
  ['encrypted memory', { 'NUMBER(sme_mask)': '0x800000000000' }, /encrypted/],
  ['other pages', { PAGESIZE: '65536' }, /65536 bytes/],
  ['no symbols', { 'SYMBOL(kallsyms_names)': undefined }, /no SYMBOL\(kallsyms_names\)/],
  ['a number that is none', { 'SIZE(page)': '0x' }, /SIZE\(page\) is not understood/],
  ['a huge number', { 'SIZE(page)': '99999999999999999999' }, /SIZE\(page\)/],
  ['a strange struct page', { 'SIZE(page)': '60' }, /60 bytes/],
  ['a field outside of it', { 'OFFSET(page._refcount)': '64' }, /laid out strangely/],
  ['more orders than there are', { 'LENGTH(zone.free_area)': '40' }, /40 orders/],
  ['two opinions on a flag', { 'NUMBER(PG_lru)': '9' }, /do not agree on PG_lru/],
  ['two opinions on compound pages', { 'NUMBER(PG_head_mask)': '2' }, /do not agree on PG_head/],
  ['huge sections', { 'NUMBER(SECTION_SIZE_BITS)': '60' }, /sections of memory are laid out strangely/],
  ['six levels of page tables', { 'NUMBER(pgtable_l5_enabled)': '2' }, /pgtable_l5_enabled is 2/],
  ['another place in memory', { 'NUMBER(phys_base)': '0' }, /do not map the kernel/],
  ['a negative place in memory', { 'NUMBER(phys_base)': '-999999999999' }, /do not map the kernel/],
  [
    'other sections than its own',
    { 'SYMBOL(mem_section)': 'ffff888000001000' },
    /sections of memory are not where/,
  ],
])('does not guess: %s', async (_title, information, reason) => {
  for (const series of ['6.1', '6.12'] as const) {
    expect(await reasonAgainst(memoryOf({ series, information }))).toMatch(reason);
  }
});

test.each(['6.6.7-test', '6.120.1', '5.10.0-30-amd64', '6.1'])(
  'does not guess: Linux %s',
  async (release) => {
    const reason = `the guest runs Linux ${release}; of Linux, 6.1 and 6.12 are known`;
    expect(await reasonAgainst(memoryOf({ release }))).toBe(reason);
  },
);

test('a VMCOREINFO that tells of another kernel than the one there is stale', async () => {
  const information = { OSRELEASE: '6.1.8-test' };
  expect(await reasonAgainst(memoryOf({ series: '6.1', information }))).toMatch(/stale/);
});

test('a guest without Linux is unsupported', async () => {
  expect(await reasonAgainst(new FakeMemory())).toMatch(/no Linux kernel/);
});

test("the kernel's template of VMCOREINFO is no kernel", async () => {
  const memory = new FakeMemory();
  memory.bytes.write('OSRELEASE=%s\n', 8192);
  expect(await reasonAgainst(memory)).toMatch(/no Linux kernel/);
});

test('a guest that expects a pattern in its free pages is unsupported', async () => {
  const poisoned = memoryOf({ symbols: { _page_poisoning_enabled: 1 } });
  expect(await reasonAgainst(poisoned)).toMatch(/page_poison/);
  expect(await reasonAgainst(memoryOf({ symbols: { _page_poisoning_enabled: 0 } }))).toBe(
    'found 6.12.7-test',
  );
});

test('a kernel without type information is unsupported', async () => {
  const memory = new FakeMemory();
  const { image } = new FakeLinux(memory);
  memory.bytes.fill(0, image.physical('__start_BTF'), image.physical('__start_BTF') + 24);
  expect(await reasonAgainst(memory)).toMatch(/no type information/);
});

test('what an earlier kernel has left is stale once its page tables are gone', async () => {
  const memory = new FakeMemory();
  const old = new FakeLinux(memory, { series: '6.1', start: 2 * MIB });
  memory.bytes.fill(0, old.pageTables, old.pageTables + 4096);
  expect(await reasonAgainst(memory)).toMatch(/stale/);
  new FakeLinux(memory, { series: '6.12', start: 8 * MIB });
  expect(await reasonAgainst(memory)).toBe('found 6.12.7-test');
});

test('of two kernels in memory, the registers tell which one runs', async () => {
  const memory = new FakeMemory();
  const first = new FakeLinux(memory, { series: '6.1', start: 2 * MIB });
  const second = new FakeLinux(memory, { series: '6.12', start: 8 * MIB });
  expect(await reasonAgainst(memory)).toMatch(/2 kernels, and nothing says which one runs/);
  expect(await reasonAgainst(memory, [first.pageTables])).toBe('found 6.1.7-test');
  // A process's identifier, and the second of two tables, as page-table isolation has them.
  expect(await reasonAgainst(memory, [0, second.pageTables + 0x7])).toBe('found 6.12.7-test');
  expect(await reasonAgainst(memory, [0, 2 ** 40])).toMatch(/no processor uses/);
  expect(await reasonAgainst(memory, [])).toMatch(/no processor uses/);
});

test('the second copy of VMCOREINFO, in an ELF note, is not a second kernel', async () => {
  const memory = new FakeMemory();
  const { image } = new FakeLinux(memory);
  const text = memory.bytes.subarray(image.physical('vmcoreinfo'), image.physical('vmcoreinfo') + 4096 - 24);
  text.copy(memory.bytes, 12 * MIB + 24);
  expect(await reasonAgainst(memory)).toBe('found 6.12.7-test');
});

test('is aborted by its signal', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(openGuest(memoryOf({}), { signal })).rejects.toThrow('enough');
});

test('ranges out of order are refused', async () => {
  const page = { start: 0, length: 4096 };
  const read = (): void => undefined;
  await expect(openGuest({ ranges: [page, page], read })).rejects.toThrow(RangeError);
  await expect(openGuest({ ranges: [{ start: 1, length: 4096 }], read })).rejects.toThrow(RangeError);
});

describe('a guest that was opened before', () => {
  async function knownOf(memory: FakeMemory): Promise<KnownLinux> {
    const guest = await openGuest(memory);
    if (guest.kind === 'unsupported') throw new Error(guest.reason);
    return guest.known;
  }

  test('is not searched again, and can be looked into', async () => {
    const memory = memoryOf({ series: '6.1' });
    const known = await knownOf(memory);
    memory.bytesRead = 0;
    const again = await openGuest(memory, {}, known);
    expect(memory.bytesRead).toBeLessThan(64 * 1024);
    if (again.kind === 'unsupported') throw new Error(again.reason);
    const looked = await again.classify();
    const first = await openGuest(memory);
    if (first.kind === 'unsupported') throw new Error(first.reason);
    expect(looked).toEqual(await first.classify());
  });

  test('is searched for the kernel that it has booted since', async () => {
    const memory = new FakeMemory();
    const old = new FakeLinux(memory, { series: '6.1', start: 2 * MIB });
    const known = await knownOf(memory);
    memory.bytes.fill(0, old.pageTables, old.pageTables + 4096);
    new FakeLinux(memory, { series: '6.12', start: 8 * MIB });
    expect(await openGuest(memory, {}, known)).toMatchObject({ kind: 'linux', release: '6.12.7-test' });
  });

  test('is unsupported once its kernel is gone', async () => {
    const memory = memoryOf({});
    const known = await knownOf(memory);
    memory.bytes.fill(0);
    expect(await openGuest(memory, {}, known)).toMatchObject({ kind: 'unsupported' });
  });

  test('is unsupported once it expects a pattern in its free pages', async () => {
    const memory = new FakeMemory();
    const { image } = new FakeLinux(memory, { symbols: { _page_poisoning_enabled: 0 } });
    const known = await knownOf(memory);
    memory.bytes.writeInt32LE(1, image.physical('_page_poisoning_enabled'));
    expect(await openGuest(memory, {}, known)).toMatchObject({ kind: 'unsupported' });
  });
});
