import { pageClass, type LinuxGuest, type PageCounts } from '@pageferry/introspect';
import { readPageTables, type GuestPhysicalMemory } from '@pageferry/qemu';
import type { PageSet } from '@pageferry/transfer';
import type { SourceGuest } from '../source-guest.js';
import { filePageMap, type FilePageMap } from '../storage/file-page-map.js';
import { Unreadable, type Inspector, type SeenPages } from './inspector.js';
import type { KnownGuests } from './known-guests.js';
import { openLinux } from './open-linux.js';

/** Looks into a guest through its QEMU. */
export class GuestInspector implements Inspector {
  readonly #guest: SourceGuest;
  readonly #memory: GuestPhysicalMemory;
  readonly #linux: LinuxGuest;
  /** Of the last look, by the places of the pages. */
  readonly #classes: Uint8Array;
  /** Of the stopped guest. */
  #registers: Promise<number[]> | undefined;

  private constructor(guest: SourceGuest, memory: GuestPhysicalMemory, linux: LinuxGuest) {
    this.#guest = guest;
    this.#memory = memory;
    this.#linux = linux;
    this.#classes = new Uint8Array(linux.pageCount);
  }

  /** Finds the guest's kernel. Errors: as {@link openLinux}. */
  static async open(
    guest: SourceGuest,
    known: KnownGuests,
    signal: AbortSignal,
  ): Promise<GuestInspector | Unreadable> {
    const { memory, linux } = await openLinux(guest, known, signal);
    if (linux.kind === 'unsupported') return new Unreadable(linux.reason);
    return new GuestInspector(guest, memory, linux);
  }

  get release(): string {
    return this.#linux.release;
  }

  async look({ free, cache }: SeenPages, signal: AbortSignal): Promise<PageCounts | Unreadable> {
    const pageTables = await readPageTables(this.#guest.qmp, { signal });
    const classes = this.#classes;
    const looked = await this.#linux.classify({ pageTables, signal, classes });
    free.clear();
    cache.clear();
    if (looked.kind === 'unsupported') return new Unreadable(looked.reason);
    for (const { place, page, count } of this.#memory.pages) {
      forEachClassRun(classes, place, count, (first, pages, value) => {
        if (value === pageClass.free) free.addRange(page + first, pages);
        else if (value === pageClass.cache) cache.addRange(page + first, pages);
      });
    }
    return looked.counts;
  }

  async mapFilePages(wanted: PageSet, signal: AbortSignal): Promise<FilePageMap | Unreadable> {
    const pageTables = await readPageTables(this.#guest.qmp, { signal });
    const mapped = await this.#linux.mapFilePages({ pageTables, signal, classes: this.#classes });
    if (mapped.kind === 'unsupported') return new Unreadable(mapped.reason);
    return filePageMap(mapped, this.#memory, this.#guest.layout, wanted);
  }

  prepareRecheck(signal: AbortSignal): void {
    this.#registers = readPageTables(this.#guest.qmp, { signal });
    // Whoever rechecks gets the reason.
    this.#registers.catch(() => undefined);
  }

  async recheck(written: PageSet, taken: PageSet, signal: AbortSignal): Promise<Unreadable | undefined> {
    const pageTables = await (this.#registers ?? readPageTables(this.#guest.qmp, { signal }));
    const unsupported = this.#linux.recheckFree(this.#classes, {
      pageTables,
      isWritten: (place) => written.has(this.#memory.pageAt(place)),
      onTaken: (place) => {
        taken.add(this.#memory.pageAt(place));
      },
    });
    return unsupported === undefined ? undefined : new Unreadable(unsupported.reason);
  }
}

/** Calls `visit` with each run of equal classes among `count` of them; `first` is counted from `place`. */
function forEachClassRun(
  classes: Uint8Array,
  place: number,
  count: number,
  visit: (first: number, pages: number, value: number) => void,
): void {
  let first = 0;
  for (let page = 1; page <= count; page++) {
    if (page < count && classes[place + page] === classes[place + first]) continue;
    visit(first, page - first, classes[place + first] ?? 0);
    first = page;
  }
}
