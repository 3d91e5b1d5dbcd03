import { describe, expect, it } from 'vitest';
import { GuestPhysicalMemory } from '@pageferry/qemu';
import { PAGE_SIZE, PageLayout } from '@pageferry/transfer';

const layout = new PageLayout([
  { name: 'pc.ram', length: 100 * PAGE_SIZE, pageSize: PAGE_SIZE },
  { name: 'pc.rom', length: 10 * PAGE_SIZE, pageSize: PAGE_SIZE },
]);
const range = { readOnly: false, blockName: 'pc.ram' };
const high = 2 ** 32;

interface Read {
  readonly block: number;
  readonly address: number;
  readonly length: number;
}

/** RAM below and behind a hole, in which a ROM lies. */
function open(): { readonly memory: GuestPhysicalMemory; readonly reads: Read[] } {
  const reads: Read[] = [];
  const reader = {
    readSync(block: number, address: number, target: Uint8Array, _offset: number, length: number): void {
      reads.push({ block, address, length });
      target.fill(7);
    },
  };
  const memory = new GuestPhysicalMemory(reader, layout, [
    { ...range, start: 0, length: 60 * PAGE_SIZE, blockOffset: 0 },
    { start: 80 * PAGE_SIZE, length: 10 * PAGE_SIZE, blockName: 'pc.rom', blockOffset: 0, readOnly: true },
    { ...range, start: 95 * PAGE_SIZE + 512, length: PAGE_SIZE, blockOffset: 0 },
    { ...range, start: high, length: 40 * PAGE_SIZE + 100, blockOffset: 60 * PAGE_SIZE },
    { ...range, start: 2 * high, length: PAGE_SIZE, blockName: 'gone', blockOffset: 0 },
  ]);
  return { memory, reads };
}

describe('GuestPhysicalMemory', () => {
  it('has the ranges in which whole pages of a known block lie', () => {
    expect(open().memory.ranges).toMatchObject([
      { start: 0, length: 60 * PAGE_SIZE },
      { start: 80 * PAGE_SIZE, length: 10 * PAGE_SIZE },
      { start: high, length: 40 * PAGE_SIZE },
    ]);
  });

  it('knows the page index of each place', () => {
    const { memory } = open();
    const [, rom] = layout.blocks;
    expect([0, 59, 60, 69, 70, 109].map((place) => memory.pageAt(place))).toEqual([
      0,
      59,
      rom?.firstPage,
      (rom?.firstPage ?? 0) + 9,
      60,
      99,
    ]);
    expect([-1, 110].map((place) => memory.pageAt(place))).toEqual([-1, -1]);
    expect(memory.pages.map(({ place, count }) => [place, count])).toEqual([
      [0, 60],
      [60, 10],
      [70, 40],
    ]);
  });

  it('reads a block where the guest sees it', () => {
    const { memory, reads } = open();
    const target = new Uint8Array(16);
    memory.read(high + 5 * PAGE_SIZE + 8, target);
    expect(reads).toEqual([{ block: 0, address: 65 * PAGE_SIZE + 8, length: 16 }]);
    expect(target[0]).toBe(7);
  });

  it.each([
    ['in a hole', 70 * PAGE_SIZE],
    ['across the end of a range', 60 * PAGE_SIZE - 8],
    ['behind all ranges', high + 40 * PAGE_SIZE],
  ])('refuses to read %s', (_where, address) => {
    const { memory, reads } = open();
    expect(() => {
      memory.read(address, new Uint8Array(16));
    }).toThrow(RangeError);
    expect(reads).toEqual([]);
  });
});
