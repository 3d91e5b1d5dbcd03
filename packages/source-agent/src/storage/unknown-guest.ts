import { randomInt } from 'node:crypto';
import { openHash32, type PageSet } from '@pageferry/transfer';
import { ContentMap } from './content-map.js';
import { searchDisks, type DiskSearch } from './search-disks.js';
import type { SourceGuest } from '../source-guest.js';

/** Of which it is remembered what they have, 16 bytes each: those of a guest of 16 GiB. */
const MOST_PAGES = 4 * 1024 * 1024;
const SEEDS = 2 ** 32;

export interface UnknownGuestOptions extends Omit<DiskSearch, 'contents' | 'qmp'> {
  readonly guest: Pick<SourceGuest, 'layout' | 'memory' | 'qmp'>;
}

/** A guest into which nobody can look: where its pages lie on its disks is found out by what they have. */
export class UnknownGuest {
  readonly #options: UnknownGuestOptions;
  readonly #scope = new AbortController();
  #contents: ContentMap | undefined;
  #searching: Promise<void> | undefined;

  constructor(options: UnknownGuestOptions) {
    this.#options = options;
  }

  /** Begins to search in the background, if it has not. What keeps it from that is logged: the pages are sent, then. */
  search(): void {
    const { log, signal } = this.#options;
    this.#searching ??= this.#search(AbortSignal.any([signal, this.#scope.signal])).catch(
      (thrown: unknown) => {
        if (signal.aborted || this.#scope.signal.aborted) return;
        log.warn({ err: thrown }, "the guest's disks cannot be searched for its pages");
      },
    );
  }

  /** The guest has written to these pages. */
  written(pages: PageSet): void {
    this.#contents?.written(pages);
  }

  /** Ends the search. Never rejects. */
  async close(): Promise<void> {
    this.#scope.abort();
    await this.#searching;
  }

  async #search(signal: AbortSignal): Promise<void> {
    const { guest, log, bytesPerSecond } = this.#options;
    if (guest.layout.capacity > MOST_PAGES || bytesPerSecond === 0) {
      log.info(
        { pages: guest.layout.pageCount, bytesPerSecond },
        "the guest's disks are not searched for its pages",
      );
      return;
    }
    const hash = await openHash32(randomInt(SEEDS));
    this.#contents = new ContentMap({ layout: guest.layout, memory: guest.memory, hash });
    await searchDisks({ ...this.#options, qmp: guest.qmp, contents: this.#contents, signal });
  }
}
