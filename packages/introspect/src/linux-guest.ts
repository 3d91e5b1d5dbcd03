import { checkStillRuns, type Kernel, type KnownKernel } from './kernel/open-kernel.js';
import type { OpenOptions } from './open-options.js';
import { FileLayouts, type FoundFileLayouts } from './files/file-layouts.js';
import type { FilePages } from './files/file-pages.js';
import { mapFilePages } from './files/map-file-pages.js';
import type { PhysicalMemory } from './memory/physical-memory.js';
import { classifyPages } from './pages/classify-pages.js';
import { markPerCpuPages } from './pages/mark-per-cpu-pages.js';
import type { PageArray } from './pages/page-array.js';
import { countClasses, pageClass, type PageCounts } from './pages/page-class.js';
import { MOST_PIECE_PAGES, pagePieces } from './pages/page-pieces.js';
import { recheckFreePages, type FreePageCheck } from './pages/recheck-free-pages.js';
import { Turns } from './turns.js';
import { orUnsupported, orUnsupportedNow, type UnsupportedResult } from './unsupported.js';

export interface ClassifiedPages {
  readonly kind: 'classified';
  /** A {@link pageClass} for each page, those of all ranges of the guest's memory one after the other. */
  readonly classes: Uint8Array;
  readonly counts: PageCounts;
  /** What the guest's kernel itself counts as free in blocks: it has no account of the lists of its processors. */
  readonly freePagesByKernel: number;
}

export interface ClassifyOptions extends OpenOptions {
  /** Where the classes go, of all pages; what it was before is lost. */
  readonly classes?: Uint8Array;
}

export interface MapOptions extends OpenOptions {
  /** What {@link LinuxGuest.classify} has answered. */
  readonly classes: Uint8Array;
}

/** What has been found out of a guest, so that it need not be searched for again. It takes some kilobytes. */
export interface KnownLinux {
  readonly kernel: KnownKernel;
  readonly files: FoundFileLayouts;
}

/** A Linux guest whose kernel was found. It may run on: each look is at this moment's memory. */
export class LinuxGuest {
  readonly kind = 'linux';
  readonly #physical: PhysicalMemory;
  readonly #kernel: Kernel;
  readonly #fileLayouts: FileLayouts;

  /** @internal */
  constructor(physical: PhysicalMemory, kernel: Kernel, files: FoundFileLayouts) {
    this.#physical = physical;
    this.#kernel = kernel;
    this.#fileLayouts = new FileLayouts(kernel.types, kernel.encodings, files);
  }

  /** For {@link openGuest}. */
  get known(): KnownLinux {
    const { info, address, encodings, symbols, page, zoneLayout } = this.#kernel;
    return {
      kernel: { info, address, encodings, symbols, page, zoneLayout },
      files: this.#fileLayouts.found,
    };
  }

  /** As `uname -r` says it. */
  get release(): string {
    return this.#kernel.info.release;
  }

  /** Of all ranges of the guest's memory. */
  get pageCount(): number {
    return this.#physical.pageCount;
  }

  /**
   * Says of each page what it is used for. Of a guest that runs, some of it is no longer true when it is said; of one
   * that is stopped, all of it is. A guest that has rebooted since is unsupported: it is to be opened anew. What throws
   * here is the reading of memory, or `signal`.
   */
  async classify(options: ClassifyOptions = {}): Promise<ClassifiedPages | UnsupportedResult> {
    const { signal, pageTables, classes = new Uint8Array(this.#physical.pageCount) } = options;
    this.#requireWhole(classes);
    return orUnsupported(async () => {
      checkStillRuns(this.#physical, this.#kernel, pageTables);
      classes.fill(pageClass.kernel);
      await this.#classifyRanges(classes, signal);
      return {
        kind: 'classified',
        classes,
        counts: countClasses(classes),
        freePagesByKernel: this.#kernel.zones.freePages(),
      };
    });
  }

  /**
   * Of a guest that was stopped since {@link classify}: takes the class `free` from pages that are not free any more. That
   * takes little time, as it looks only where the guest has written to the descriptions of its pages.
   * @param classes what `classify` answered; changed in place
   * @returns why the guest is not the one that was classified, if so: then none of its pages may be taken for free
   */
  recheckFree(
    classes: Uint8Array,
    { pageTables, ...check }: FreePageCheck & Pick<OpenOptions, 'pageTables'>,
  ): UnsupportedResult | undefined {
    this.#requireWhole(classes);
    return orUnsupportedNow(() => {
      checkStillRuns(this.#physical, this.#kernel, pageTables);
      recheckFreePages(this.#physical, this.#kernel, classes, check);
    });
  }

  /**
   * Says which pages of classes `cache` and `inode` hold what is on a disk of the guest's, and where. Of a guest that runs
   * some of it is no longer true when it is said, and what the guest keeps in memory may be wrong: compare the contents, or
   * hashes of them. What throws here is the reading of memory, or `signal`.
   *
   * Takes about 25 bytes of memory for each page of these classes.
   */
  async mapFilePages({ classes, pageTables, signal }: MapOptions): Promise<FilePages | UnsupportedResult> {
    this.#requireWhole(classes);
    return orUnsupported(async () => {
      checkStillRuns(this.#physical, this.#kernel, pageTables);
      try {
        return await mapFilePages(this.#physical, this.#kernel, this.#fileLayouts, classes, signal);
      } finally {
        this.#fileLayouts.release();
      }
    });
  }

  #requireWhole(classes: Uint8Array): void {
    if (classes.length === this.#physical.pageCount) return;
    throw new RangeError(`${classes.length} classes for ${this.#physical.pageCount} pages`);
  }

  async #classifyRanges(classes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const { page: layout } = this.#kernel;
    const structBytes = layout.words * 4;
    const bytes = new Uint8Array(MOST_PIECE_PAGES * structBytes);
    const words = new Uint32Array(bytes.buffer);
    const turns = new Turns(signal);
    let pages: PageArray | undefined;
    for (const { frame, count, index, array } of pagePieces(this.#physical, this.#kernel)) {
      pages = array;
      array.read(frame, bytes.subarray(0, count * structBytes));
      const indexOfPage = indexIn(array, this.#physical);
      classifyPages(layout, { words, frame, count, classes, index, indexOfPage });
      await turns.next();
    }
    if (pages !== undefined) {
      await markPerCpuPages(this.#physical, this.#kernel, pages, classes, signal);
    }
  }
}

/** Finds a page's place by the address of its `struct page`, in two words. */
function indexIn(array: PageArray, physical: PhysicalMemory): (low: number, high: number) => number {
  return (low, high) => {
    const frame = array.frameOf(low, high);
    return frame === undefined ? -1 : physical.indexOfFrame(frame);
  };
}
