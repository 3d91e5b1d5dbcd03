import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WantedBlocks, type BlocksOfRead } from '../../src/block/wanted-blocks.js';
import type { BlockPlaces } from '../../src/block/block-places.js';

const BLOCK = 4096;
const CAPACITY = 200;

interface Wanted {
  readonly id: number;
  readonly offset: number;
}

const placesOf = (wanted: readonly Wanted[]): BlockPlaces => ({
  offsets: Float64Array.from(wanted, ({ offset }) => offset),
  ids: Uint32Array.from(wanted, ({ id }) => id),
  count: wanted.length,
});

const emptyRead = (blocks: number): BlocksOfRead => ({
  places: new Uint32Array(blocks),
  ids: new Uint32Array(blocks),
  count: 0,
  offset: 0,
  length: 0,
});

const blocksOf = ({ places, ids, count, offset }: BlocksOfRead): Wanted[] =>
  Array.from({ length: count }, (_, index) => ({
    id: ids[index] ?? -1,
    offset: offset + (places[index] ?? -1),
  }));

/** Adds these blocks to none, and takes all reads. */
function readsOf(
  offsets: readonly number[],
  { gapBytes = 0, readBytes = 1 << 20 }: { gapBytes?: number; readBytes?: number } = {},
): { offset: number; length: number; ids: number[] }[] {
  const wanted = new WantedBlocks(offsets.length);
  wanted.add(placesOf(offsets.map((offset, id) => ({ id, offset }))));
  const reads = [];
  const read = emptyRead(2048);
  while (wanted.take(read, { blockBytes: BLOCK, gapBytes, readBytes })) {
    reads.push({ offset: read.offset, length: read.length, ids: blocksOf(read).map(({ id }) => id) });
  }
  return reads;
}

describe('WantedBlocks', () => {
  it('reads neighbours together, whatever their order', () => {
    expect(readsOf([8192, 0, 4096, 20480])).toEqual([
      { offset: 0, length: 12288, ids: [1, 2, 0] },
      { offset: 20480, length: 4096, ids: [3] },
    ]);
  });

  it('reads over gaps that are short enough', () => {
    const offsets = [0, 4096 + 8192, 100_352];
    expect(readsOf(offsets, { gapBytes: 8192 }).map(({ length }) => length)).toEqual([16384, 4096]);
    expect(readsOf(offsets, { gapBytes: 8191 }).map(({ length }) => length)).toEqual([4096, 4096, 4096]);
  });

  it('reads the same bytes once for blocks that overlap, or are the same', () => {
    expect(readsOf([512, 0, 512])).toEqual([{ offset: 0, length: 4608, ids: [1, 0, 2] }]);
  });

  it('cuts reads off where they would be too long', () => {
    const offsets = Array.from({ length: 10 }, (_, index) => index * BLOCK);
    expect(readsOf(offsets, { readBytes: 4 * BLOCK }).map(({ ids }) => ids.length)).toEqual([4, 4, 2]);
    expect(readsOf(offsets, { readBytes: 1 }).map(({ ids }) => ids.length)).toEqual(
      Array<number>(10).fill(1),
    );
  });

  it('goes on where it is, and comes to what lies behind it in the next round', () => {
    const wanted = new WantedBlocks(10);
    const read = emptyRead(8);
    const shape = { blockBytes: BLOCK, gapBytes: 0, readBytes: BLOCK };
    const next = (): number | undefined => (wanted.take(read, shape) ? read.ids[0] : undefined);
    wanted.add(placesOf([1, 5, 9].map((id) => ({ id, offset: id * BLOCK }))));
    expect([next(), next()]).toEqual([1, 5]);
    wanted.add(placesOf([7, 3, 8, 2].map((id) => ({ id, offset: id * BLOCK }))));
    expect(Array.from({ length: 6 }, next)).toEqual([7, 8, 9, 2, 3, undefined]);
  });

  it('takes none if there is not room for all', () => {
    const wanted = new WantedBlocks(3);
    const places = placesOf([0, 1].map((id) => ({ id, offset: id * BLOCK })));
    wanted.add(places);
    expect(() => {
      wanted.add(places);
    }).toThrow(RangeError);
    expect([wanted.count, wanted.room]).toEqual([2, 1]);
  });

  it('gives every block once, in order within a round, in reads as they may be', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('add' as const),
        sectors: fc.array(fc.nat({ max: 400 }), { maxLength: 60 }),
      }),
      fc.record({ kind: fc.constant('take' as const), times: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ kind: fc.constant('clear' as const) }),
    );
    const shapes = fc.record({
      blockBytes: fc.constant(BLOCK),
      gapBytes: fc.nat({ max: 20_000 }),
      readBytes: fc.integer({ min: BLOCK, max: 80_000 }),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        shapes,
        fc.integer({ min: 1, max: 50 }),
        (steps, shape, most) => {
          const wanted = new WantedBlocks(CAPACITY);
          const read = emptyRead(most);
          const waiting = new Map<number, number>();
          let nextId = 0;
          const take = (): boolean => {
            if (!wanted.take(read, shape)) return false;
            const blocks = blocksOf(read);
            expect(blocks.length).toBeGreaterThan(0);
            expect(blocks[0]?.offset).toBe(read.offset);
            expect(read.length).toBeLessThanOrEqual(shape.readBytes);
            for (const [index, { id, offset }] of blocks.entries()) {
              expect(waiting.get(id)).toBe(offset);
              waiting.delete(id);
              const before = blocks[index - 1];
              if (before === undefined) continue;
              expect(offset).toBeGreaterThanOrEqual(before.offset);
              expect(offset - (before.offset + BLOCK)).toBeLessThanOrEqual(shape.gapBytes);
            }
            expect(read.offset + read.length).toBe((blocks.at(-1)?.offset ?? 0) + BLOCK);
            return true;
          };
          for (const each of steps) {
            if (each.kind === 'add') {
              const blocks = each.sectors.map((sector) => ({ id: nextId++, offset: sector * 512 }));
              if (blocks.length > wanted.room) continue;
              wanted.add(placesOf(blocks));
              for (const { id, offset } of blocks) waiting.set(id, offset);
            } else if (each.kind === 'take') {
              for (let time = 0; time < each.times; time++) take();
            } else {
              wanted.clear();
              waiting.clear();
            }
            expect(wanted.count).toBe(waiting.size);
            expect(wanted.room).toBe(CAPACITY - waiting.size);
          }
          while (take());
          expect(waiting.size).toBe(0);
        },
      ),
    );
  });
});
