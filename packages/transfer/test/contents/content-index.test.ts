import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ContentIndex } from '../../src/contents/content-index.js';

const SLOTS = 16;

function slotsWith(index: ContentIndex, low: number, high: number): number[] {
  const found: number[] = [];
  index.seek(low, high);
  for (let slot = index.next(); slot !== -1; slot = index.next()) found.push(slot);
  return found.sort((one, other) => one - other);
}

test('finds every slot with a hash, and no other, whatever was added and removed before', () => {
  // Few hashes that begin their search at few places, those at the table's end among them.
  const low = fc.constantFrom(0, 1, 2, 31, 63, 0xffff_ffff);
  const high = fc.constantFrom(0, 7);
  const step = fc.record({ slot: fc.nat(SLOTS - 1), low, high });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const index = new ContentIndex(SLOTS);
      const model = new Map<number, { low: number; high: number }>();
      for (const { slot, ...hash } of steps) {
        if (model.delete(slot)) index.remove(slot);
        else {
          model.set(slot, hash);
          index.add(slot, hash.low, hash.high);
        }
      }
      for (const hash of [...model.values(), { low: 5, high: 5 }]) {
        const expected = [...model].filter(([, known]) => known.low === hash.low && known.high === hash.high);
        expect(slotsWith(index, hash.low, hash.high)).toEqual(
          expected.map(([slot]) => slot).sort((one, other) => one - other),
        );
      }
    }),
  );
});
