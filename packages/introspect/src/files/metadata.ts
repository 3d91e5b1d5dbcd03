import { PAGE_BYTES } from '../memory/guest-memory.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import type { Turns } from '../turns.js';
import type { CachedPages } from './cached-pages.js';
import type { CommonLayout } from './file-layouts.js';
import { NumberTable } from './number-table.js';
import type { PageGroups } from './page-groups.js';

/** More pages are not of a file system's own: somebody has read the disk. */
const MOST_PAGES = 2 ** 20;

/** Reads a block of a file system into `target`, which is as long; false if it is not in memory. */
export type ReadBlock = (block: number, target: Uint8Array, turns: Turns) => Promise<boolean>;

/** Blocks that a file system has for itself: they are cached as pages of its disk. */
export class Metadata {
  readonly #physical: PhysicalMemory;
  readonly #layout: CommonLayout;
  readonly #pages: CachedPages;
  readonly #groups: PageGroups;

  constructor(physical: PhysicalMemory, layout: CommonLayout, pages: CachedPages, groups: PageGroups) {
    this.#physical = physical;
    this.#layout = layout;
    this.#pages = pages;
    this.#groups = groups;
  }

  /**
   * @param device the address of the `struct block_device` that a file system is on
   * @param blockBytes of its blocks; no block is longer than a page
   */
  blocksOf(device: number, blockBytes: number): ReadBlock {
    const { device: offsets, inode } = this.#layout;
    const mapping = this.#pages.mappings.find(device - offsets.fromInode + inode.mapping);
    const nowhere: ReadBlock = () => Promise.resolve(false);
    if (mapping === -1) return nowhere;
    const [start, end] = [this.#groups.start(mapping), this.#groups.end(mapping)];
    if (end - start > MOST_PAGES) return nowhere;
    const pages = this.#groups.order.subarray(start, end);
    let find: ((index: number) => number) | undefined;
    return async (block, target, turns) => {
      find ??= await this.#finderOf(pages, turns);
      const position = block * blockBytes;
      const offset = position % PAGE_BYTES;
      const place = this.#pages.places[find((position - offset) / PAGE_BYTES)];
      if (place === undefined || offset + target.length > PAGE_BYTES) return false;
      const address = this.#physical.addressOfPage(place);
      return address !== -1 && this.#physical.read(address + offset, target);
    };
  }

  /** Finds one of the pages by its index; -1 if there is none. */
  async #finderOf(pages: Uint32Array, turns: Turns): Promise<(index: number) => number> {
    const indexes = new NumberTable(pages.length);
    const pageAt = new Uint32Array(pages.length);
    await turns.parts(pages.length, (from, to) => {
      for (const page of pages.subarray(from, to)) {
        const at = indexes.add(this.#pages.indexes[page] ?? 0);
        if (at !== -1) pageAt[at] = page;
      }
    });
    return (index) => pageAt[indexes.find(index)] ?? -1;
  }
}
