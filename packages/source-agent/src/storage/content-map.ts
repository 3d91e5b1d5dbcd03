import { setImmediate as nextTurn } from 'node:timers/promises';
import type { GuestDisk } from '@pageferry/introspect';
import { PAGE_SIZE, PageSet, type HashBytes32, type PageLayout } from '@pageferry/transfer';
import { PresentPages, type PresentMemory } from '../present-pages.js';
import type { DiskPages, FilePageMap } from './file-page-map.js';
import { PageContents } from './page-contents.js';

/** Read and hashed at once, pages: less than a millisecond. */
const BATCH_PAGES = 256;
/** Then others have their turn, ms. */
const TURN_MS = 4;
/** Of a disk, at first. */
const FOUND_PAGES = 1024;

export interface ContentMapOptions {
  readonly layout: PageLayout;
  readonly memory: PresentMemory;
  /** Of its own seed: nobody can make many pages alike to it. */
  readonly hash: HashBytes32;
}

/** Pages that a disk has, in the order in which they were found. */
interface FoundPages {
  readonly disk: GuestDisk;
  pages: Uint32Array;
  offsets: Float64Array;
  count: number;
}

/**
 * Finds where a guest's pages lie on its disks by what they have, whatever system the guest runs: hashes the pages, and looks up
 * each block of the disks. What it finds may be wrong, as two contents may have one hash of 32 bits, and old, as guest and disk change:
 * whoever restores a page has to compare.
 */
export class ContentMap {
  readonly #layout: PageLayout;
  readonly #memory: ContentMapOptions['memory'];
  readonly #hash: HashBytes32;
  readonly #contents: PageContents;
  readonly #found: FoundPages[] = [];
  readonly #pages: PageSet;
  /** Pages that the guest has written to since they were hashed, or may have. */
  readonly #written: PageSet;
  readonly #present = new PresentPages(BATCH_PAGES);
  readonly #zeroHash: number;

  constructor({ layout, memory, hash }: ContentMapOptions) {
    this.#layout = layout;
    this.#memory = memory;
    this.#hash = hash;
    this.#contents = new PageContents(layout);
    this.#pages = new PageSet(layout);
    this.#written = new PageSet(layout);
    this.#zeroHash = hash(Buffer.alloc(PAGE_SIZE));
  }

  /** Pages whose place is not known. */
  get unfoundPages(): number {
    return this.#contents.count;
  }

  /** Hashes those of the pages that the guest has ever used and that are not zero. Error: `memory-unreadable`. */
  async addPages(pages: PageSet, signal: AbortSignal): Promise<void> {
    let turnEnds = performance.now() + TURN_MS;
    for (let first = pages.nextSet(0); first !== -1;) {
      const count = pages.runLength(first, BATCH_PAGES);
      this.#addRun(first, count);
      first = pages.nextSet(first + count);
      if (performance.now() < turnEnds) continue;
      await nextTurn(undefined, { signal });
      turnEnds = performance.now() + TURN_MS;
    }
  }

  /** Takes a block of a disk that is as long as a page, from `at` in `buffer`. */
  addBlock(disk: GuestDisk, offset: number, buffer: Buffer, at: number): void {
    const hash = this.#hash(buffer.subarray(at, at + PAGE_SIZE));
    if (hash === this.#zeroHash) return;
    this.#contents.take(hash, (page) => {
      this.#add(disk, page, offset);
    });
  }

  /** The guest has written to these pages. */
  written(pages: PageSet): void {
    this.#written.addAll(pages);
  }

  /** What was found until now. */
  get map(): FilePageMap {
    const pages = this.#pages.clone();
    pages.deleteAll(this.#written);
    const disks: DiskPages[] = this.#found.map(({ disk, pages: found, offsets, count }) => ({
      disk,
      pages: found.slice(0, count),
      offsets: offsets.slice(0, count),
    }));
    return { disks, pages };
  }

  #addRun(first: number, count: number): void {
    const block = this.#layout.blockOfPage(first);
    const address = this.#layout.address(block, first);
    this.#present.read(this.#memory, block.index, address, count, {
      present: (from, length) => {
        this.#hashRun(first + from, length);
      },
    });
  }

  #hashRun(first: number, count: number): void {
    const { buffer } = this.#present;
    for (let index = 0; index < count; index++) {
      const hash = this.#hash(buffer.subarray(index * PAGE_SIZE, (index + 1) * PAGE_SIZE));
      if (hash !== this.#zeroHash) this.#contents.add(first + index, hash);
    }
  }

  #add(disk: GuestDisk, page: number, offset: number): void {
    const found = this.#foundOn(disk);
    if (found.count === found.pages.length) {
      const { pages, offsets, count } = found;
      found.pages = new Uint32Array(2 * count);
      found.offsets = new Float64Array(2 * count);
      found.pages.set(pages);
      found.offsets.set(offsets);
    }
    found.pages[found.count] = page;
    found.offsets[found.count] = offset;
    found.count++;
    this.#pages.add(page);
  }

  #foundOn(disk: GuestDisk): FoundPages {
    const known = this.#found.find((found) => found.disk === disk);
    if (known !== undefined) return known;
    const found = {
      disk,
      pages: new Uint32Array(FOUND_PAGES),
      offsets: new Float64Array(FOUND_PAGES),
      count: 0,
    };
    this.#found.push(found);
    return found;
  }
}
