import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitsFrom, bitsUpTo, highestBit, lowestBit, popcount } from '../src/bits.js';

const words = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const binary = (word: number): string => (word >>> 0).toString(2).padStart(32, '0');

describe('bits', () => {
  it('counts and finds bits as the binary digits show them, for signed and unsigned words', () => {
    fc.assert(
      fc.property(words, (word) => {
        for (const form of [word, word | 0]) {
          expect(popcount(form)).toBe(binary(word).replaceAll('0', '').length);
          if (word === 0) continue;
          expect(lowestBit(form)).toBe(31 - binary(word).lastIndexOf('1'));
          expect(highestBit(form)).toBe(31 - binary(word).indexOf('1'));
        }
      }),
      { examples: [[0], [1], [0x80000000], [0xffffffff]] },
    );
  });

  it('masks from and up to each position', () => {
    for (let position = 0; position < 32; position++) {
      expect(popcount(bitsFrom(position))).toBe(32 - position);
      expect(popcount(bitsUpTo(position))).toBe(position + 1);
      expect(bitsFrom(position) & bitsUpTo(position)).toBe(1 << position);
    }
  });
});
