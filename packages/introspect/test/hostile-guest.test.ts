import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openGuest, pageClassNames } from '@pageferry/introspect';
import { FakeLinux, FakeMemory, fakePages, type Series } from './support/fake-linux.js';

const MIB = 2 ** 20;
/** Far more than an honest guest needs, and far less than what hurts. */
const mostBytesRead = 512 * MIB;

/** Parts of the image in which a byte matters more often than elsewhere. */
const structures = [
  'swapper_pg_dir',
  'table 1',
  'table 2',
  'sections',
  'roots',
  'mem_section',
  'node',
  'per_cpu_pages',
  '__per_cpu_offset',
  'nr_cpu_ids',
  '__start_BTF',
  'kallsyms_names',
  'kallsyms_num_syms',
  'kallsyms_offsets',
  'kallsyms_token_table',
  'kallsyms_token_index',
  'vmcoreinfo',
] as const;

const change = fc.record({
  place: fc.constantFrom(...structures, 'pages' as const),
  // Beginnings of structures, and anywhere in them.
  offset: fc.oneof(fc.nat(64), fc.nat(4000)),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 8 }),
    fc.constant(new Uint8Array(8).fill(0xff)),
    fc.constant(new Uint8Array(8)),
  ),
});

/** Looks at the guest; the memory itself throws when anything outside of it is read. */
async function inspect(memory: FakeMemory, pageTables?: number[]): Promise<string> {
  memory.bytesRead = 0;
  const guest = await openGuest(memory, pageTables === undefined ? {} : { pageTables });
  const pages = guest.kind === 'linux' ? await guest.classify() : guest;
  expect(memory.bytesRead).toBeLessThan(mostBytesRead);
  if (pages.kind === 'unsupported') {
    expect(pages.reason).not.toBe('');
    return pages.kind;
  }
  expect(pages.classes).toHaveLength(fakePages);
  expect(Math.max(...pages.classes)).toBeLessThan(pageClassNames.length);
  return pages.kind;
}

test.each<Series>(['6.1', '6.12'])('whatever a guest with %s writes, the answer is one', async (series) => {
  const memory = new FakeMemory();
  const linux = new FakeLinux(memory, { series });
  linux.writeFreeBlock(2048, 10);
  linux.writePage(3072, { refcount: 0 });
  linux.linkPerCpuList(0, [3072]);
  const whole = Buffer.from(memory.bytes);
  const outcomes = new Map<string, number>();

  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
      whole.copy(memory.bytes);
      for (const { place, offset, bytes } of changes) {
        memory.bytes.set(
          bytes,
          (place === 'pages' ? linux.pagePlace(2048) : linux.image.physical(place)) + offset,
        );
      }
      const outcome = await inspect(memory, [linux.pageTables]);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }),
    { numRuns: 150 },
  );
  // Both must happen, or the changes change nothing.
  expect([...outcomes.keys()].sort()).toEqual(['classified', 'unsupported']);
});

test('a VMCOREINFO that ends anywhere is understood or refused', async () => {
  const memory = new FakeMemory();
  const { image, pageTables } = new FakeLinux(memory);
  const start = image.physical('vmcoreinfo');
  const text = Buffer.from(memory.bytes.subarray(start, start + 4096));
  await fc.assert(
    fc.asyncProperty(fc.nat(text.indexOf(0)), async (length) => {
      text.copy(memory.bytes, start);
      memory.bytes.fill(0, start + length, start + 4096);
      await inspect(memory, [pageTables]);
    }),
    { numRuns: 60 },
  );
});

test('numbers of VMCOREINFO may be any text', async () => {
  const keys = [
    'SIZE(page)',
    'OFFSET(page.lru)',
    'LENGTH(node_data)',
    'NUMBER(phys_base)',
    'SYMBOL(node_data)',
  ];
  const value = fc.oneof(
    fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((number) => number.toString(16)),
    fc.string({ maxLength: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...keys), value, async (key, text) => {
      const memory = new FakeMemory();
      const linux = new FakeLinux(memory, { information: { [key]: text } });
      await inspect(memory, [linux.pageTables]);
    }),
    { numRuns: 40 },
  );
});

test('page tables that point to themselves end', async () => {
  const memory = new FakeMemory();
  const linux = new FakeLinux(memory);
  for (let entry = 0; entry < 512; entry++) {
    linux.image.put64(linux.pageTables + entry * 8, BigInt(linux.pageTables) | 1n);
  }
  expect(await inspect(memory)).toBe('unsupported');
});

test('a memory full of marks is given up on', async () => {
  const memory = new FakeMemory();
  for (let page = 0; page < fakePages; page++)
    memory.bytes.write('OSRELEASE=6.1.0\nSYMBOL(swapper_pg_dir)=0\n', page * 4096);
  expect(await inspect(memory)).toBe('unsupported');
});

test('thousands of processors with endless lists are given up on', async () => {
  const memory = new FakeMemory();
  const linux = new FakeLinux(memory);
  linux.writePage(3072, { refcount: 0 });
  linux.linkPerCpuList(13, [3072], 2 ** 31 - 1);
  linux.image.put64(linux.pagePlace(3072) + 8, linux.pageAddress(3072) + 8n);
  memory.bytes.writeInt32LE(8192, linux.image.physical('nr_cpu_ids'));
  for (let node = 0; node < 8; node++) {
    linux.image.put64(
      linux.image.physical('node_data') + node * 8,
      0xffff_8880_0000_0000n + BigInt(linux.zone),
    );
  }
  expect(await inspect(memory)).toBe('classified');
});
