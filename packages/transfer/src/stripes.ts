import type { PageLayout } from './page-layout.js';

/** Small enough for small guests (Microwiper, ICPP 2010), and one word of a page set. */
const SMALLEST_STRIPE_PAGES = 32;
/** Larger guests have larger stripes: what is kept of each must not grow with them. */
const MOST_STRIPES = 2 ** 20;

/**
 * Cuts a guest's memory into stripes of equally many consecutive page indices: the unit in which rewriting is measured
 * and pages are ordered. A stripe may hold the end of one RAM block and the beginning of the next.
 */
export class Stripes {
  readonly count: number;
  /** Page indices of one stripe, a power of two from 32 up. */
  readonly pages: number;

  constructor({ capacity }: PageLayout) {
    let pages = SMALLEST_STRIPE_PAGES;
    while (capacity > pages * MOST_STRIPES) pages *= 2;
    this.pages = pages;
    this.count = Math.ceil(capacity / pages);
  }

  /** The stripe that holds `page`. */
  of(page: number): number {
    return Math.floor(page / this.pages);
  }

  /** Index of the stripe's first page. */
  first(stripe: number): number {
    return stripe * this.pages;
  }
}
