import { PAGE_BYTES } from '../memory/guest-memory.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import type { CachedPages } from './cached-pages.js';
import type { CommonLayout } from './file-layouts.js';
import { NumberTable } from './number-table.js';
import type { PageGroups } from './page-groups.js';

/** Reads a block of a file system into `target`, which is as long; false if it is not in memory. */
export type ReadBlock = (block: number, target: Uint8Array) => boolean;

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
    if (mapping === -1) return () => false;
    let find: ((index: number) => number) | undefined;
    return (block, target) => {
      find ??= this.#finderOf(this.#groups.of(mapping));
      const position = block * blockBytes;
      const offset = position % PAGE_BYTES;
      const place = this.#pages.places[find((position - offset) / PAGE_BYTES)];
      if (place === undefined || offset + target.length > PAGE_BYTES) return false;
      const address = this.#physical.addressOfPage(place);
      return address !== -1 && this.#physical.read(address + offset, target);
    };
  }

  /** Finds one of the pages by its index; -1 if there is none. */
  #finderOf(pages: Uint32Array): (index: number) => number {
    const indexes = new NumberTable(pages.length);
    const pageAt = new Uint32Array(pages.length);
    for (const page of pages) {
      const at = indexes.add(this.#pages.indexes[page] ?? 0);
      if (at !== -1) pageAt[at] = page;
    }
    return (index) => pageAt[indexes.find(index)] ?? -1;
  }
}
