import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, Stripes } from '../src/index.js';
import { flatLayout } from './support/simulated-guest.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

function stripesOf(bytes: number): Stripes {
  return new Stripes(flatLayout(bytes / PAGE_SIZE));
}

describe('Stripes', () => {
  it('are of 32 pages for guests of up to 128 GiB, and grow with larger ones', () => {
    const pages = [128 * MIB, GIB, 127 * GIB, 256 * GIB, 1024 * GIB].map((bytes) => stripesOf(bytes).pages);
    expect(pages).toEqual([32, 32, 32, 128, 512]);
  });

  it('are never more than 2^20, and hold every page in exactly one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: (1024 * GIB) / PAGE_SIZE }),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (pages, at) => {
          const layout = flatLayout(pages);
          const stripes = new Stripes(layout);
          const page = Math.floor(at * pages);
          const stripe = stripes.of(page);
          expect(stripes.count).toBeLessThanOrEqual(2 ** 20);
          expect(stripes.count * stripes.pages).toBeGreaterThanOrEqual(layout.capacity);
          expect(stripe).toBeLessThan(stripes.count);
          expect(stripes.first(stripe)).toBeLessThanOrEqual(page);
          expect(stripes.first(stripe + 1)).toBeGreaterThan(page);
        },
      ),
    );
  });
});
