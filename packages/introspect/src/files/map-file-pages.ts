import type { Kernel } from '../kernel/open-kernel.js';
import { PAGE_BYTES } from '../memory/guest-memory.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { StructureReader } from '../memory/structure-reader.js';
import { Turns } from '../turns.js';
import { collectCachedPages, type CachedPages } from './cached-pages.js';
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
const NOT_MAPPED = -1;

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
  const groups = new PageGroups(pages);
  const { memory } = kernel;
  const disks = new Disks(memory, layout);
  const metadata = new Metadata(physical, layout, pages, groups);
  const inodes = new StructureReader(memory, INODE_WINDOW_BYTES);
  const fileSystems = new FileSystems(memory, layouts, disks, metadata, inodes);
  const mapper = new PageMapper(pages, groups, new Turns(signal));
  for (const mapping of pages.mappings.values.slice().sort()) {
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
  readonly #wanted = new WantedPages();
  readonly #extents = new Extents();
  readonly #limit = new SearchLimit();

  constructor(pages: CachedPages, groups: PageGroups, turns: Turns) {
    this.#pages = pages;
    this.#groups = groups;
    this.#turns = turns;
    this.#disk = new Uint8Array(pages.count);
    this.#offset = new Float64Array(pages.count).fill(NOT_MAPPED);
    this.#unmapped = { filesystem: 0, encoding: 0, noExtent: 0, device: 0, inode: pages.leftOut };
  }

  async map(mapping: number, file: OpenFile | UnmappedReason): Promise<void> {
    await this.#turns.next();
    const group = this.#groups.of(this.#pages.mappings.find(mapping));
    // Pages that have changed are on no disk.
    const pages = group.filter((page) => this.#pages.unchanged[page] === 1);
    if (pages.length === 0) return;
    if (typeof file === 'string') {
      this.#unmapped[file] += pages.length;
      return;
    }
    const { inode, content } = file;
    const search = { inode, extents: this.#extents, turns: this.#turns, limit: this.#limit };
    let left = pages;
    for (const source of content.sources) {
      this.#wanted.reset(this.#pages.indexes, left, content.blockBytes);
      this.#extents.clear();
      await source({ ...search, wanted: this.#wanted });
      left = left.filter((page) => !this.#place(page, content));
      if (left.length === 0) return;
    }
    this.#unmapped.noExtent += left.length;
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
  finish(disks: Disks): FilePages {
    const { places, count } = this.#pages;
    let mapped = 0;
    for (let page = 0; page < count; page++) {
      const offset = this.#offset[page] ?? NOT_MAPPED;
      if (offset === NOT_MAPPED) continue;
      places[mapped] = places[page] ?? 0;
      this.#disk[mapped] = this.#disk[page] ?? 0;
      this.#offset[mapped] = offset;
      mapped += 1;
    }
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
