import type { Kernel } from '../kernel/open-kernel.js';
import type { PageLayout } from '../kernel/page-layout.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { pageClass } from '../pages/page-class.js';
import { MOST_PIECE_PAGES, pagePieces, type PagePiece } from '../pages/page-pieces.js';
import { Turns } from '../turns.js';
import { NumberTable } from './number-table.js';

/** The lowest bits of `page->mapping`, PAGE_MAPPING_FLAGS in include/linux/page-flags.h: none is set for a file's. */
const MAPPING_FLAGS = 3;
/** Pages of one folio: MAX_ORDER_NR_PAGES, include/linux/mmzone.h. */
const MOST_FOLIO_PAGES = 1024;
/** Files of which pages are in memory; those of more are left out. */
const MOST_MAPPINGS = 2 ** 20;
/** 16 TiB into a file; what lies behind is left out. */
const MOST_INDEX = 2 ** 32;

/** Pages that hold parts of files; parallel arrays, from the lowest page on. */
export interface CachedPages {
  readonly count: number;
  /** Numbers among all pages of the guest. */
  readonly places: Uint32Array;
  /** Positions in `mappings`. */
  readonly mappingOf: Uint32Array;
  /** Where in their files they are, in pages. */
  readonly indexes: Uint32Array;
  /** 1 for those that hold what the file has on its disk. */
  readonly unchanged: Uint8Array;
  /** The addresses of `struct address_space`s, as of {@link StructureReader}. */
  readonly mappings: NumberTable;
  /** Unchanged ones that are left out, because something about them is beyond a limit. */
  readonly leftOut: number;
}

/**
 * Collects the pages of classes `cache` and `inode`. What is no page of a file any more is left out.
 * @param indexWord where in a `struct page` its index is, in words of 32 bits
 */
export async function collectCachedPages(
  physical: PhysicalMemory,
  kernel: Kernel,
  classes: Uint8Array,
  indexWord: number,
  signal: AbortSignal | undefined,
): Promise<CachedPages> {
  const layout = kernel.page;
  const structBytes = layout.words * 4;
  const bytes = new Uint8Array(MOST_PIECE_PAGES * structBytes);
  const turns = new Turns(signal);
  let most = 0;
  await turns.parts(classes.length, (start, end) => {
    most += countOfFiles(classes, start, end);
  });
  const collector = new Collector(layout, new Uint32Array(bytes.buffer), indexWord, most);
  for (const piece of pagePieces(physical, kernel)) {
    const { frame, count, index, array } = piece;
    if (countOfFiles(classes, index, index + count) === 0) continue;
    array.read(frame, bytes.subarray(0, count * structBytes));
    collector.collect(piece, classes);
    await turns.next();
  }
  return collector;
}

function countOfFiles(classes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let place = start; place < end; place++) {
    const found = classes[place];
    if (found === pageClass.cache || found === pageClass.inode) count += 1;
  }
  return count;
}

class Collector implements CachedPages {
  readonly places: Uint32Array;
  readonly mappingOf: Uint32Array;
  readonly indexes: Uint32Array;
  readonly unchanged: Uint8Array;
  readonly mappings = new NumberTable(MOST_MAPPINGS);
  count = 0;
  leftOut = 0;
  readonly #layout: PageLayout;
  readonly #words: Uint32Array;
  readonly #indexWord: number;
  // The mapping of the page before is mostly that of the next one, too.
  #lastLow = 0;
  #lastHigh = 0;
  #last = -1;

  constructor(layout: PageLayout, words: Uint32Array, indexWord: number, most: number) {
    this.#layout = layout;
    this.#words = words;
    this.#indexWord = indexWord;
    this.places = new Uint32Array(most);
    this.mappingOf = new Uint32Array(most);
    this.indexes = new Uint32Array(most);
    this.unchanged = new Uint8Array(most);
  }

  collect({ frame, count, index, array }: PagePiece, classes: Uint8Array): void {
    const words = this.#words;
    const { words: step, compoundHead, flags, mapping, bits } = this.#layout;
    for (let page = 0; page < count; page++) {
      const found = classes[index + page];
      if (found !== pageClass.cache && found !== pageClass.inode) continue;
      let first = page;
      const head = words[page * step + compoundHead] ?? 0;
      if ((head & 1) !== 0) {
        // What a folio is is said of its first page, which is in the same piece.
        first = (array.frameOf(head - 1, words[page * step + compoundHead + 1] ?? 0) ?? -1) - frame;
        if (!(first >= 0 && first < page && page - first < MOST_FOLIO_PAGES)) continue;
      }
      const at = first * step;
      const low = words[at + mapping] ?? 0;
      const high = words[at + mapping + 1] ?? 0;
      // The kernel's addresses are negative.
      if ((low & MAPPING_FLAGS) !== 0 || (high | 0) >= 0) continue;
      const { mask, value } = bits.unchanged;
      const unchanged = ((words[at + flags] ?? 0) & mask) === value ? 1 : 0;
      const position = (words[at + this.#indexWord] ?? 0) + page - first;
      const mappingAt = this.#mappingAt(low, high);
      if (mappingAt === -1 || words[at + this.#indexWord + 1] !== 0 || position >= MOST_INDEX) {
        this.leftOut += unchanged;
        continue;
      }
      const next = this.count++;
      this.places[next] = index + page;
      this.mappingOf[next] = mappingAt;
      this.indexes[next] = position;
      this.unchanged[next] = unchanged;
    }
  }

  #mappingAt(low: number, high: number): number {
    if (low !== this.#lastLow || high !== this.#lastHigh) {
      this.#lastLow = low;
      this.#lastHigh = high;
      this.#last = this.mappings.add((high | 0) * 2 ** 32 + low);
    }
    return this.#last;
  }
}
