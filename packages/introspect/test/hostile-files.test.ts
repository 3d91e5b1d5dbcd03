import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openGuest } from '@pageferry/introspect';
import { FakeExt4, extentNode, extentRoot } from './support/fake-ext4.js';
import { fakePages, type Series } from './support/fake-linux.js';
import { blockNumber, FakeXfs } from './support/fake-xfs.js';
import { guestWithDisks, type GuestWithDisks } from './support/map-guest.js';

const MIB = 2 ** 20;
/** Where the structures of disks and files are. */
const structures = { start: 9 * MIB, pages: 40 };
const mostBytesRead = 512 * MIB;
const frame = 2060;
const nodeFrame = 2200;

/** Files of both kinds, by all means that there are to say where they are. */
function fill({ memory, disks }: GuestWithDisks): void {
  const disk = disks.disk('vda', 1024 * MIB);
  const partition = disks.device(disk.disk, MIB, 512 * MIB);
  const ext4 = new FakeExt4(disks, disk);
  const leaf = extentNode(
    4096,
    0,
    [0, 10, 20].map((start) => ({ start, length: 8, block: 1000 + start })),
  );
  disks.cache({ frame: nodeFrame, mapping: disk.mapping, index: 40 });
  memory.bytes.set(leaf, nodeFrame * 4096);
  const left = ext4.status({ start: 0, length: 5, block: 300 });
  const status = ext4.status({ start: 10, length: 5, block: 500, left });
  const xfs = new FakeXfs(disks, partition);
  const leaves = [0, 20].map((start) => xfs.leaf([{ start, length: 10, block: blockNumber(1, start) }]));
  const root = xfs.node(leaves.map((child, at) => ({ key: at * 20, child })));
  const files = [
    ext4.file(extentRoot(0, [{ start: 0, length: 30, block: 100 }])),
    ext4.file(extentRoot(1, [{ start: 0, block: 40 }])),
    ext4.file(extentRoot(1, [{ start: 0, block: 41 }]), { status }),
    xfs.small([{ start: 0, length: 30, block: blockNumber(0, 100) }]),
    xfs.file({ root, height: 2, bytes: 32, format: 3 }),
    partition.mapping,
  ];
  for (const [at, mapping] of files.entries()) {
    for (const index of [0, 1, 12, 25]) disks.cache({ frame: frame + at * 8 + (index % 7), mapping, index });
  }
}

const change = fc.record({
  place: fc.oneof(
    fc.nat(structures.pages - 1).map((page) => structures.start + page * 4096),
    fc.constantFrom(nodeFrame * 4096, 'pages' as const),
  ),
  offset: fc.oneof(fc.nat(64), fc.nat(1100)),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 8 }),
    fc.constant(new Uint8Array(8).fill(0xff)),
    fc.constant(new Uint8Array(8)),
    // The address of another structure.
    fc.nat(structures.pages - 1).map((page) => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(
        0,
        0xffff_8880_0000_0000n + BigInt(structures.start + page * 4096),
        true,
      );
      return bytes;
    }),
  ),
});

test.each<Series>(['6.1', '6.12'])(
  'whatever a guest with Linux %s says of its files, pages are on its disks or nowhere',
  async (series) => {
    const guest = guestWithDisks(series);
    fill(guest);
    const { memory, linux } = guest;
    const whole = Buffer.from(memory.bytes);
    const found = new Set<number>();

    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 6 }), async (changes) => {
        whole.copy(memory.bytes);
        const opened = await openGuest(memory, { pageTables: [linux.pageTables] });
        for (const { place, offset, bytes } of changes) {
          memory.bytes.set(bytes, (place === 'pages' ? linux.pagePlace(frame) : place) + offset);
        }
        const pages = opened.kind === 'linux' ? await opened.classify() : opened;
        if (opened.kind === 'unsupported' || pages.kind === 'unsupported') throw new Error('it is known');
        memory.bytesRead = 0;
        const mapped = await opened.mapFilePages(pages);
        expect(memory.bytesRead).toBeLessThan(mostBytesRead);
        if (mapped.kind === 'unsupported') throw new Error(mapped.reason);
        const { places, disk, offset, disks } = mapped;
        expect([disk.length, offset.length]).toEqual([places.length, places.length]);
        for (const [page, place] of places.entries()) {
          expect(place).toBeGreaterThan(page === 0 ? -1 : (places[page - 1] ?? fakePages));
          expect(place).toBeLessThan(fakePages);
          const position = offset[page] ?? NaN;
          expect(position % 512).toBe(0);
          expect(position).toBeGreaterThanOrEqual(0);
          expect(position + 4096).toBeLessThanOrEqual(disks[disk[page] ?? 0]?.bytes ?? 0);
        }
        found.add(places.length);
      }),
      { numRuns: 150 },
    );
    // All of them, and some: or the changes change nothing.
    expect(found.has(23)).toBe(true);
    expect(found.size).toBeGreaterThan(3);
  },
);
