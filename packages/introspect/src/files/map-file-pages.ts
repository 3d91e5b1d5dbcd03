import type { Kernel } from '../kernel/open-kernel.js';
import { PAGE_BYTES } from '../memory/guest-memory.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { StructureReader } from '../memory/structure-reader.js';
import { Turns } from '../turns.js';
import { collectCachedPages, type CachedPages } from './cached-pages.js';
import { ascending } from './ascending.js';
import { Disks, type Volume } from './disks.js';
import { Extents, notFound, scattered } from './extents.js';
import type { CommonLayout, FileLayouts } from './file-layouts.js';
import type { FilePages, UnmappedReason } from './file-pages.js';
import { SearchLimit, type FileContent } from './file-system.js';
import { FileSystems } from './file-systems.js';
import { Metadata } from './metadata.js';
import { PageGroups } from './page-groups.js';
import { WantedPages } from './wanted-pages.js';

/** Inodes are looked at in the order of their addresses: neighbours come together. */
const INODE_WINDOW_BYTES = 16 * 1024;
const SECTOR_BYTES = 512;
/** In place of a disk's number. */
const NOT_MAPPED = 255;
/** Of one file, looked for together. */
const PAGES_AT_ONCE = 2 ** 15;

/** @param classes of all pages, as `classify` has answered; the guest may have gone on since */
export async function mapFilePages(
  physical: PhysicalMemory,
  kernel: Kernel,
  layouts: FileLayouts,
  classes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<FilePages> {
  const layout = layouts.common;
  const pages = await collectCachedPages(physical, kernel, classes, layout.pageIndexWord, signal);
  const turns = new Turns(signal);
  const groups = await PageGroups.create(pages, turns);
  const { memory } = kernel;
  const disks = new Disks(memory, layout);
  const metadata = new Metadata(physical, layout, pages, groups);
  const inodes = new StructureReader(memory, INODE_WINDOW_BYTES);
  const fileSystems = new FileSystems(memory, layouts, disks, metadata, inodes);
  const mapper = new PageMapper(pages, groups, turns);
  for (const mapping of await ascending(pages.mappings.values, turns)) {
    await mapper.map(mapping, contentOf(mapping, inodes, layout, fileSystems));
  }
  return mapper.finish(disks);
}

/** Whose pages a `struct address_space` has, and where they are on a disk. */
function contentOf(
  mapping: number,
  inodes: StructureReader,
  { inode: offsets }: CommonLayout,
  fileSystems: FileSystems,
): OpenFile | UnmappedReason {
  const inode = mapping - offsets.mapping;
  if (!inodes.seek(inode, offsets.bytes)) return 'inode';
  // Others than the one in an inode are not of a file's content.
  if (inodes.pointer(offsets.host) !== inode) return 'inode';
  const fileSystem = fileSystems.of(inodes.pointer(offsets.superBlock));
  if (typeof fileSystem === 'string') return fileSystem;
  const content = fileSystem.contentOf(inode);
  return typeof content === 'string' ? content : { inode, content };
}

interface OpenFile {
  readonly inode: number;
  readonly content: FileContent;
}

/** Fills in where pages are, file by file. */
class PageMapper {
  readonly #pages: CachedPages;
  readonly #groups: PageGroups;
  readonly #turns: Turns;
  readonly #disk: Uint8Array;
  readonly #offset: Float64Array;
  readonly #unmapped: Record<UnmappedReason, number>;
  /** Those of one file that are still to be found: the first ones in here. */
  readonly #left = new Uint32Array(PAGES_AT_ONCE);
  readonly #wanted = new WantedPages(PAGES_AT_ONCE);
  readonly #extents = new Extents();
  readonly #limit = new SearchLimit();

  constructor(pages: CachedPages, groups: PageGroups, turns: Turns) {
    this.#pages = pages;
    this.#groups = groups;
    this.#turns = turns;
    this.#disk = new Uint8Array(pages.count).fill(NOT_MAPPED);
    this.#offset = new Float64Array(pages.count);
    this.#unmapped = { filesystem: 0, encoding: 0, noExtent: 0, device: 0, inode: pages.leftOut };
  }

  async map(mapping: number, file: OpenFile | UnmappedReason): Promise<void> {
    const position = this.#pages.mappings.find(mapping);
    const end = this.#groups.end(position);
    for (let start = this.#groups.start(position); start < end; start += PAGES_AT_ONCE) {
      await this.#turns.next();
      const count = this.#takeUnchanged(start, Math.min(end, start + PAGES_AT_ONCE));
      if (typeof file === 'string') this.#unmapped[file] += count;
      else this.#unmapped.noExtent += await this.#search(count, file);
    }
  }

  /** Looks for the pages that were taken; returns how many are nowhere. */
  async #search(count: number, { inode, content }: OpenFile): Promise<number> {
    const [wanted, extents, turns, limit] = [this.#wanted, this.#extents, this.#turns, this.#limit];
    let left = count;
    for (const source of content.sources) {
      if (left === 0) break;
      wanted.reset(this.#pages.indexes, this.#left, left, content.blockBytes);
      extents.clear();
      await source({ inode, wanted, extents, turns, limit });
      left = this.#placeAll(left, content);
    }
    return left;
  }

  /** Takes those of a part of the order; but what has changed is on no disk. */
  #takeUnchanged(start: number, end: number): number {
    const { order } = this.#groups;
    let count = 0;
    for (let at = start; at < end; at++) {
      const page = order[at] ?? 0;
      if (this.#pages.unchanged[page] === 1) this.#left[count++] = page;
    }
    return count;
  }

  /** Keeps those that were not found; returns how many they are. */
  #placeAll(count: number, content: FileContent): number {
    let left = 0;
    for (let at = 0; at < count; at++) {
      const page = this.#left[at] ?? 0;
      if (!this.#place(page, content)) this.#left[left++] = page;
    }
    return left;
  }

  /** Whether it is known of a page where it is, or that it is at no place. */
  #place(page: number, { volume, blockBytes }: FileContent): boolean {
    const position = this.#extents.locate(this.#pages.indexes[page] ?? 0, blockBytes);
    if (position === notFound) return false;
    const offset = volume.start + position;
    if (position === scattered) this.#unmapped.encoding += 1;
    else if (!isWithin(volume, position) || offset % SECTOR_BYTES !== 0) this.#unmapped.noExtent += 1;
    else {
      this.#disk[page] = volume.disk;
      this.#offset[page] = offset;
    }
    return true;
  }

  /** Leaves out the pages that were not mapped. */
  async finish(disks: Disks): Promise<FilePages> {
    const { places, count } = this.#pages;
    let mapped = 0;
    await this.#turns.parts(count, (start, end) => {
      for (let page = start; page < end; page++) {
        const disk = this.#disk[page] ?? NOT_MAPPED;
        if (disk === NOT_MAPPED) continue;
        places[mapped] = places[page] ?? 0;
        this.#disk[mapped] = disk;
        this.#offset[mapped] = this.#offset[page] ?? 0;
        mapped += 1;
      }
    });
    return {
      kind: 'mapped',
      disks: disks.list,
      places: places.subarray(0, mapped),
      disk: this.#disk.subarray(0, mapped),
      offset: this.#offset.subarray(0, mapped),
      unmapped: this.#unmapped,
    };
  }
}

function isWithin({ bytes }: Volume, position: number): boolean {
  return position >= 0 && position + PAGE_BYTES <= bytes;
}
