import { checkStillRuns, type Kernel } from './kernel/open-kernel.js';
import { PAGE_BYTES } from './memory/guest-memory.js';
import type { OpenOptions } from './open-options.js';
import type { PhysicalMemory } from './memory/physical-memory.js';
import { classifyPages } from './pages/classify-pages.js';
import { markPerCpuPages } from './pages/mark-per-cpu-pages.js';
import { PageArray } from './pages/page-array.js';
import { countClasses, pageClass, type PageCounts } from './pages/page-class.js';
import { recheckFreePages, type FreePageCheck } from './pages/recheck-free-pages.js';
import { Turns } from './turns.js';
import { orUnsupported, orUnsupportedNow, Unsupported, type UnsupportedResult } from './unsupported.js';

/** Looked at at once: 512 KiB of structures at most. No free block is longer, or lies in two such pieces. */
const PIECE_FRAMES = 8192;

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

/** A Linux guest whose kernel was found. It may run on: each look is at this moment's memory. */
export class LinuxGuest {
  readonly kind = 'linux';
  readonly #physical: PhysicalMemory;
  readonly #kernel: Kernel;

  /** @internal */
  constructor(physical: PhysicalMemory, kernel: Kernel) {
    this.#physical = physical;
    this.#kernel = kernel;
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
      const array = await this.#classifyRanges(classes, signal);
      await markPerCpuPages(this.#physical, this.#kernel, array, classes, signal);
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

  #requireWhole(classes: Uint8Array): void {
    if (classes.length === this.#physical.pageCount) return;
    throw new RangeError(`${classes.length} classes for ${this.#physical.pageCount} pages`);
  }

  async #classifyRanges(classes: Uint8Array, signal: AbortSignal | undefined): Promise<PageArray> {
    const { page: layout, sections, memory } = this.#kernel;
    const structBytes = layout.words * 4;
    const bytes = new Uint8Array(PIECE_FRAMES * structBytes);
    const words = new Uint32Array(bytes.buffer);
    const turns = new Turns(signal);
    let array: PageArray | undefined;
    let index = 0;
    for (const { start, length } of this.#physical.ranges) {
      const end = (start + length) / PAGE_BYTES;
      for (let frame = start / PAGE_BYTES; frame < end;) {
        const leftInSection = sections.framesPerSection - (frame % sections.framesPerSection);
        const leftInPiece = PIECE_FRAMES - (frame % PIECE_FRAMES);
        const count = Math.min(leftInPiece, end - frame, leftInSection);
        const base = sections.pageArrayOf(Math.floor(frame / sections.framesPerSection));
        if (base !== undefined) {
          array ??= new PageArray(memory, base, structBytes);
          if (array.base !== base) throw new Unsupported('the sections of memory have several page arrays');
          array.read(frame, bytes.subarray(0, count * structBytes));
          const indexOfPage = indexIn(array, this.#physical);
          classifyPages(layout, { words, frame, count, classes, index, indexOfPage });
        }
        frame += count;
        index += count;
        await turns.next();
      }
    }
    if (array === undefined) throw new Unsupported('no section of memory has pages');
    return array;
  }
}

/** Finds a page's place by the address of its `struct page`, in two words. */
function indexIn(array: PageArray, physical: PhysicalMemory): (low: number, high: number) => number {
  return (low, high) => {
    const frame = array.frameOf(low, high);
    return frame === undefined ? -1 : physical.indexOfFrame(frame);
  };
}
