import type { Turns } from '../turns.js';
import type { CachedPages } from './cached-pages.js';

/** The pages of each mapping. */
export class PageGroups {
  /** Positions of pages, those of one mapping together. */
  readonly order: Uint32Array;
  readonly #starts: Uint32Array;

  static async create({ count, mappingOf, mappings }: CachedPages, turns: Turns): Promise<PageGroups> {
    const starts = new Uint32Array(mappings.count + 1);
    await turns.parts(count, (from, to) => {
      for (let page = from; page < to; page++) {
        const next = (mappingOf[page] ?? 0) + 1;
        starts[next] = (starts[next] ?? 0) + 1;
      }
    });
    await turns.parts(mappings.count, (from, to) => {
      for (let mapping = from; mapping < to; mapping++) {
        starts[mapping + 1] = (starts[mapping + 1] ?? 0) + (starts[mapping] ?? 0);
      }
    });
    const order = new Uint32Array(count);
    const ends = starts.slice();
    await turns.parts(count, (from, to) => {
      for (let page = from; page < to; page++) {
        const mapping = mappingOf[page] ?? 0;
        const place = ends[mapping] ?? 0;
        order[place] = page;
        ends[mapping] = place + 1;
      }
    });
    return new PageGroups(order, starts);
  }

  private constructor(order: Uint32Array, starts: Uint32Array) {
    this.order = order;
    this.#starts = starts;
  }

  /** Where in the order a mapping's pages begin. */
  start(mapping: number): number {
    return this.#starts[mapping] ?? 0;
  }

  end(mapping: number): number {
    return this.#starts[mapping + 1] ?? 0;
  }
}
