import type { PageCounts } from '@pageferry/introspect';
import { PAGE_SIZE, PageSet } from '@pageferry/transfer';
import type { Inspector, SeenPages } from '../../src/page-filter/inspector.js';
import { Unreadable } from '../../src/page-filter/inspector.js';
import type { FilePageMap } from '../../src/storage/file-page-map.js';
import type { SimulatedGuest } from './simulated-migration.js';

/** Pages that one page of the guest describes: whoever takes or frees one of them writes to it. */
const DESCRIBED_PAGES = 16;
/** The pages that describe the first block of memory are its last ones. */
const DESCRIPTIONS = 560;
export const MANAGED_PAGES = DESCRIPTIONS;

/** What the kernel of a simulated guest knows of its pages, with an inspector that looks into it. */
export class InspectedGuest implements Inspector {
  readonly release = '6.12-simulated';
  readonly guest: SimulatedGuest;
  readonly #free: PageSet;
  readonly #cache: PageSet;
  #seenFree: PageSet;
  /** Another kernel runs. */
  isAnother = false;
  looks = 0;
  isPrepared = false;
  /** All of its cache lies on a disk then. */
  hasDisk = false;

  constructor(guest: SimulatedGuest) {
    this.guest = guest;
    this.#free = new PageSet(guest.layout);
    this.#cache = new PageSet(guest.layout);
    this.#seenFree = new PageSet(guest.layout);
  }

  async mapFilePages(wanted: PageSet): Promise<FilePageMap | Unreadable> {
    await turns();
    return this.hasDisk ? { disks: [], pages: wanted.clone() } : new Unreadable('it has no disks');
  }

  isFree(page: number): boolean {
    return this.#free.has(page);
  }

  free(page: number): void {
    this.#cache.delete(page);
    this.#free.add(page);
    this.#describe(page);
  }

  /** What was in it before stays there until somebody writes to it. */
  take(page: number): void {
    this.#free.delete(page);
    this.#describe(page);
  }

  keepAsCache(page: number): void {
    this.take(page);
    this.#cache.add(page);
  }

  write(page: number, value: number): void {
    this.take(page);
    this.#cache.delete(page);
    this.guest.write(page, 0, new Uint8Array(PAGE_SIZE).fill(value));
  }

  /** Sees each half of the memory at another moment, and says so later. */
  async look({ free, cache }: SeenPages): Promise<PageCounts | Unreadable> {
    this.looks++;
    if (this.isAnother) return new Unreadable('another kernel runs');
    const seenFree = new PageSet(this.guest.layout);
    const seenCache = new PageSet(this.guest.layout);
    for (const [from, to] of [
      [0, 300],
      [300, MANAGED_PAGES],
    ] as const) {
      await turns();
      for (let page = from; page < to; page++) {
        if (this.#free.has(page)) seenFree.add(page);
        if (this.#cache.has(page)) seenCache.add(page);
      }
    }
    await turns();
    this.#seenFree = seenFree;
    free.clear();
    free.addAll(seenFree);
    cache.clear();
    cache.addAll(seenCache);
    const pages = { kernel: 0, anonymous: 0, inode: 0, free: seenFree.count, cache: seenCache.count };
    return pages;
  }

  prepareRecheck(): void {
    this.isPrepared = true;
  }

  recheck(written: PageSet, taken: PageSet): Promise<Unreadable | undefined> {
    if (this.isAnother) return Promise.resolve(new Unreadable('another kernel runs'));
    for (let page = 0; page < MANAGED_PAGES; page++) {
      const mayHaveChanged = written.has(descriptionOf(page));
      if (mayHaveChanged && this.#seenFree.has(page) && !this.#free.has(page)) taken.add(page);
    }
    return Promise.resolve(undefined);
  }

  #describe(page: number): void {
    this.guest.write(descriptionOf(page), page % DESCRIBED_PAGES, Uint8Array.of(page));
  }
}

function descriptionOf(page: number): number {
  return DESCRIPTIONS + Math.floor(page / DESCRIBED_PAGES);
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
