import type { PageLayout } from '../kernel/page-layout.js';
import { pageClass } from './page-class.js';

const { kernel, free, anonymous, inode, cache } = pageClass;

/** The lowest bits of `page->mapping`, PAGE_MAPPING_FLAGS in include/linux/page-flags.h. */
const MAPPING_FLAGS = 3;
const MAPPING_ANONYMOUS = 1;
const UNMAPPED = -1;

/** Consecutive pages of which {@link classifyPages} says what they are. */
export interface PagesToClassify {
  /** Their `struct page`s. */
  readonly words: Uint32Array;
  /** The frame of the first one. */
  readonly frame: number;
  readonly count: number;
  /** The classes of all pages of the guest. Behind the first of these pages nothing is read. */
  readonly classes: Uint8Array;
  /** The place of the first one in `classes`. */
  readonly index: number;
  /** The place in `classes` of the page whose `struct page` is at an address of two words; -1 if there is none. */
  indexOfPage(low: number, high: number): number;
}

/**
 * Puts the class of each page into `classes`. A free block is believed page by page: none of it may have an owner, a
 * flag or a mapping. So a half-written order leaves out no page that is in use.
 */
export function classifyPages(layout: PageLayout, pages: PagesToClassify): void {
  const { words, frame, count, classes, index } = pages;
  const { compoundHead, mapcount } = layout;
  let freeEnd = 0;
  // Pages of one compound page come together: its first page is looked for once.
  let headLow = 0;
  let headClass: number = kernel;

  for (let page = 0, at = 0; page < count; page++, at += layout.words) {
    if (page < freeEnd) {
      if (isUnused(layout, words, at)) {
        classes[index + page] = free;
        continue;
      }
      freeEnd = 0;
    }
    const head = words[at + compoundHead] ?? 0;
    if ((head & 1) !== 0) {
      if (head !== headLow) {
        const place = pages.indexOfPage(head - 1, words[at + compoundHead + 1] ?? 0);
        headClass = place >= 0 && place < index + page ? (classes[place] ?? kernel) : kernel;
        headLow = head;
      }
      classes[index + page] = classOfTail(layout, words, at, headClass);
      continue;
    }
    if (((words[at + mapcount] ?? 0) | 0) === layout.freeBlock) {
      const pagesInBlock = freeBlockAt(layout, words, at, frame + page);
      freeEnd = pagesInBlock > 0 && page + pagesInBlock <= count ? page + pagesInBlock : 0;
      classes[index + page] = freeEnd > 0 ? free : kernel;
      continue;
    }
    classes[index + page] = classOfPage(layout, words, at);
  }
}

/** Whether nothing says that the page is in use: so are all pages of a free block, but for its first one's mark. */
export function isUnused(layout: PageLayout, words: Uint32Array, at: number): boolean {
  return (
    words[at + layout.refcount] === 0 &&
    ((words[at + layout.flags] ?? 0) & layout.bits.all) === 0 &&
    ((words[at + layout.mapcount] ?? 0) | 0) === UNMAPPED &&
    ((words[at + layout.compoundHead] ?? 0) & 1) === 0
  );
}

/** How many pages the free block has that begins with this page; 0 if there is something wrong with it. */
function freeBlockAt(layout: PageLayout, words: Uint32Array, at: number, frame: number): number {
  const order = words[at + layout.order] ?? 0;
  if (order >= layout.orders || words[at + layout.order + 1] !== 0) return 0;
  // Of a free block's first page, PG_uptodate says that the host was told of it (PG_reported).
  const otherFlags = layout.bits.all & ~layout.bits.uptodate;
  if (words[at + layout.refcount] !== 0 || ((words[at + layout.flags] ?? 0) & otherFlags) !== 0) return 0;
  const pages = 2 ** order;
  return frame % pages === 0 ? pages : 0;
}

/** The class of a page that is neither behind another one of a compound page nor the first of a free block. */
function classOfPage(layout: PageLayout, words: Uint32Array, at: number): number {
  const flags = words[at + layout.flags] ?? 0;
  if (words[at + layout.refcount] === 0 || (flags & layout.bits.kernel) !== 0) return kernel;
  const mapcount = (words[at + layout.mapcount] ?? 0) | 0;
  const typed = mapcount < UNMAPPED;
  if (typed && mapcount >>> 24 !== layout.hugetlb) return kernel;
  const low = words[at + layout.mapping] ?? 0;
  if (low === 0 && words[at + layout.mapping + 1] === 0) return kernel;
  if ((low & MAPPING_ANONYMOUS) !== 0) return anonymous;
  // Other pages that can be moved, which drivers have: PAGE_MAPPING_MOVABLE.
  if ((low & MAPPING_FLAGS) !== 0) return kernel;
  if ((flags & layout.bits.swapBacked) !== 0) return anonymous;
  if (mapcount >= 0 || typed || (flags & layout.bits.clean.mask) !== layout.bits.clean.value) return inode;
  const large = (flags & layout.bits.head) !== 0;
  return large && (words[at + layout.largeMapcount] ?? 0) >>> 31 === 0 ? inode : cache;
}

function classOfTail(layout: PageLayout, words: Uint32Array, at: number, headClass: number): number {
  if (headClass === free) return kernel;
  const mapped = layout.ownMapcounts && (words[at + layout.mapcount] ?? 0) >>> 31 === 0;
  return headClass === cache && mapped ? inode : headClass;
}
