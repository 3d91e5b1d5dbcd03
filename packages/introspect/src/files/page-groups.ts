import type { CachedPages } from './cached-pages.js';

/** The pages of each mapping. */
export class PageGroups {
  /** Positions of pages, those of one mapping together. */
  readonly #order: Uint32Array;
  /** Where in the order a mapping's begin; its end is the next one's beginning. */
  readonly #starts: Uint32Array;

  constructor({ count, mappingOf, mappings }: CachedPages) {
    const starts = new Uint32Array(mappings.count + 1);
    for (let page = 0; page < count; page++) {
      const next = (mappingOf[page] ?? 0) + 1;
      starts[next] = (starts[next] ?? 0) + 1;
    }
    for (let mapping = 0; mapping < mappings.count; mapping++) {
      starts[mapping + 1] = (starts[mapping + 1] ?? 0) + (starts[mapping] ?? 0);
    }
    const order = new Uint32Array(count);
    const ends = starts.slice();
    for (let page = 0; page < count; page++) {
      const mapping = mappingOf[page] ?? 0;
      const place = ends[mapping] ?? 0;
      order[place] = page;
      ends[mapping] = place + 1;
    }
    this.#order = order;
    this.#starts = starts;
  }

  /** Positions of a mapping's pages. */
  of(mapping: number): Uint32Array {
    return this.#order.subarray(this.#starts[mapping] ?? 0, this.#starts[mapping + 1] ?? 0);
  }
}
