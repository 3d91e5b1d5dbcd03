import type { Logger } from '@pageferry/daemon';
import { asPageferryError } from '@pageferry/errors';
import type { PageCounts } from '@pageferry/introspect';
import { PageSet, type PageLayout, type PrecopyScheduler } from '@pageferry/transfer';
import type { PageSender } from '../page-sender.js';
import type { FilePageMap } from '../storage/file-page-map.js';
import { Unreadable, type Inspector } from './inspector.js';

/** Who wants to know where on the guest's disks its cache lies. */
export interface FilePageListener {
  /** Whether a map is of use now; if not, it is asked for when it is: {@link PageFilter.mapFilePages}. */
  readonly wantsMap: boolean;
  mapped(map: FilePageMap): void;
  /** The guest has written to these pages. */
  written(pages: PageSet): void;
  /** There is nothing to be seen in the guest: not of its cache, or nothing at all. */
  unknown(): void;
}

/** Which pages are treated in a special way. */
export interface FilteredPages {
  readonly free: boolean;
  readonly cache: boolean;
}

export interface PageFilterOptions {
  readonly wanted: FilteredPages;
  /** Finds the guest's kernel. */
  readonly open: () => Promise<Inspector | Unreadable>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Looks take at most this share of the time. */
const LOOK_SHARE = 0.05;
/** From the end of a look to the next one, ms. */
const SHORTEST_PAUSE_MS = 500;

/**
 * Whether the guest is looked into: not by request; its kernel is searched for; it is known; it is not, or is no more.
 */
export type PageFilterState = 'off' | 'searching' | 'on' | 'unsupported';

export interface PageFilterView {
  readonly state: PageFilterState;
  /** Why it is unsupported. */
  readonly reason: string | null;
  /** As `uname -r` says it. */
  readonly kernel: string | null;
  /** Of the guest when it was looked at last. */
  readonly pages: PageCounts | null;
  /** Pages that went as zeroes for being free, and did not have to be sent after all. */
  readonly leftOut: number;
  /** Pages that were left out, and then had to be sent after all. */
  readonly sentAfterAll: number;
  /** Pages of cache that came last. */
  readonly deferred: number;
  readonly looks: number;
  /** Of all looks together, ms. */
  readonly lookMs: number;
}

/**
 * Leaves out what the guest has no use for, and puts off what it can do without for a while (Wang et al., IJPP 2017).
 *
 * A free page goes as a page of zeroes. That is believed of a running guest, and proved once it is stopped: a page that was
 * left out goes after all if it was written to, or is not free at the stop. The last look before the stop must
 * therefore begin when the dirty log names every write: after the first pass. Clean page cache that nobody has mapped comes last.
 */
export class PageFilter {
  /** Pages that were free when last looked at, and not written to since. */
  readonly free: PageSet;
  /** Likewise those of clean page cache. */
  readonly cache: PageSet;
  readonly #wanted: FilteredPages;
  readonly #open: PageFilterOptions['open'];
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  /** Went as zeroes for being free. */
  readonly #leftOut: PageSet;
  /** By the guest since the last look began. */
  readonly #written: PageSet;
  /** Of those that were left out, what has to be sent after all. For use within one method. */
  readonly #taken: PageSet;
  #filePages: FilePageListener | undefined;
  #inspector: Inspector | undefined;
  #state: PageFilterState;
  #reason: string | null = null;
  #pages: PageCounts | null = null;
  #sentAfterAll = 0;
  #deferred = 0;
  #looks = 0;
  #lookMs = 0;
  #lastLookMs = 0;
  #lookEndedMs = 0;
  #looking: Promise<void> | undefined;
  /** Whether it is known where cache lies on disks. */
  #findsFilePages = true;
  /** Whether the listener has got a map of what was seen last. */
  #isMapped = false;
  /** A look has ended, and what it saw was not made use of. */
  #isNews = false;
  /** The last look began when the log named every write. */
  #isWatched = false;
  #isWatching = false;

  constructor(layout: PageLayout, { wanted, open, log, signal }: PageFilterOptions) {
    this.free = new PageSet(layout);
    this.cache = new PageSet(layout);
    this.#leftOut = new PageSet(layout);
    this.#written = new PageSet(layout);
    this.#taken = new PageSet(layout);
    this.#wanted = wanted;
    this.#log = log;
    this.#signal = signal;
    this.#open = open;
    this.#state = wanted.free || wanted.cache ? 'searching' : 'off';
  }

  /** Begins to search for the guest's kernel, unless nothing is wanted of it. */
  start(): void {
    if (this.#state !== 'searching' || this.#looking !== undefined) return;
    this.#inBackground(this.#search());
  }

  /** Has `listener` hear of each look from now on, and of what was seen last. */
  tellFilePages(listener: FilePageListener): void {
    this.#filePages = listener;
    this.#isMapped = false;
    const isUnknown = !this.#wanted.cache || !this.#findsFilePages || this.#state === 'unsupported';
    if (isUnknown) listener.unknown();
    else this.mapFilePages();
  }

  /** Has the listener of {@link tellFilePages} get a map of what was seen last, unless it has got it, or will with the look that goes on. */
  mapFilePages(): void {
    if (this.#isMapped || this.#inspector === undefined || this.#looking !== undefined) return;
    if (!this.#isMapWanted) return;
    this.#inBackground(this.#mapFilePages(this.#inspector));
  }

  get view(): PageFilterView {
    return {
      state: this.#state,
      reason: this.#reason,
      kernel: this.#inspector?.release ?? null,
      pages: this.#pages,
      leftOut: this.#leftOut.count,
      sentAfterAll: this.#sentAfterAll,
      deferred: this.#deferred,
      looks: this.#looks,
      lookMs: this.#lookMs,
    };
  }

  /** A page of QEMU's first pass goes as zeroes, being free. */
  leftOut(page: number): void {
    this.#leftOut.add(page);
  }

  /** The first pass is over: from now on the log names every write. */
  watch(): void {
    this.#isWatching = true;
    if (this.#looking === undefined) this.#startLook();
  }

  /** Takes what the dirty log has named, which is pending again. */
  written(pages: PageSet, scheduler?: PrecopyScheduler): void {
    this.#filePages?.written(pages);
    // A large guest that is not known must not take memory for what is not used.
    if (this.#inspector === undefined || (this.#state !== 'on' && this.#leftOut.count === 0)) return;
    this.#written.addAll(pages);
    this.free.deleteAll(pages);
    this.cache.deleteAll(pages);
    const taken = this.#copyLeftOut();
    taken.retainAll(pages);
    this.#sendAfterAll(taken);
    scheduler?.sendAfterAll(taken);
  }

  /**
   * Makes use of the last look: sends as zeroes what is pending and free, and lets the scheduler send what was left out and
   * is not free any more.
   */
  async apply(pending: PageSet, scheduler: PrecopyScheduler, sender: PageSender): Promise<void> {
    if (!this.#isNews) return;
    this.#isNews = false;
    const taken = this.#copyLeftOut();
    taken.deleteAll(this.free);
    this.#sendAfterAll(taken);
    scheduler.sendAfterAll(taken);
    const free = pending.clone();
    free.retainAll(this.free);
    scheduler.leaveOut(free);
    this.#leftOut.addAll(free);
    scheduler.defer(this.cache);
    this.#deferred = Math.max(this.#deferred, scheduler.deferredPages);
    await sender.sendZeroes(free, this.#signal);
  }

  /** Looks again, if the last look is long enough ago. */
  lookAgain(): void {
    if (this.#looking !== undefined || this.#state !== 'on') return;
    const pauseMs = Math.max(this.#lastLookMs / LOOK_SHARE, SHORTEST_PAUSE_MS);
    if (performance.now() >= this.#lookEndedMs + pauseMs) this.#startLook();
  }

  /** Whether what was left out can be proved at the stop, and nothing is known that was not made use of. */
  get isSettled(): boolean {
    if (this.#isNews) return false;
    return this.#state !== 'on' || (this.#looking === undefined && this.#isWatched);
  }

  /** Waits for the look that {@link apply} needs before it is settled. */
  async look(): Promise<void> {
    if (this.#state !== 'on') return;
    if (this.#looking === undefined && !this.#isWatched) this.#startLook();
    await this.#looking;
  }

  /** The guest has been stopped, and {@link recheck} will follow. */
  stopped(): void {
    if (this.#leftOut.count > 0) this.#inspector?.prepareRecheck(this.#signal);
  }

  /**
   * The guest is stopped: adds to `pending` what was left out and is not free any more. What the log named last has
   * been {@link written} before. Errors: `memory-unreadable`, those of QMP.
   */
  async recheck(pending: PageSet): Promise<void> {
    if (this.#leftOut.count === 0) return;
    const taken = this.#taken;
    taken.clear();
    const unreadable = await this.#recheck(taken);
    if (unreadable !== undefined) {
      this.#giveUp(unreadable.reason);
      taken.addAll(this.#leftOut);
    }
    taken.retainAll(this.#leftOut);
    this.#sendAfterAll(taken);
    pending.addAll(taken);
  }

  /**
   * Looks at a guest that is stopped: what it sees is true. Never rejects.
   * @param pending of it, what is free counts as left out
   */
  async lookAtStopped(pending: PageSet): Promise<void> {
    this.start();
    await this.#looking;
    this.#isWatching = true;
    this.#startLook();
    await this.#looking;
    this.#isNews = false;
    this.#leftOut.addAll(this.free);
    this.#leftOut.retainAll(pending);
    this.cache.retainAll(pending);
    this.#deferred = this.cache.count;
  }

  async #recheck(taken: PageSet): Promise<Unreadable | undefined> {
    if (this.#inspector === undefined || !this.isSettled) {
      return new Unreadable('it was not looked into since its memory is watched');
    }
    return this.#inspector.recheck(this.#written, taken, this.#signal);
  }

  #copyLeftOut(): PageSet {
    this.#taken.clear();
    this.#taken.addAll(this.#leftOut);
    return this.#taken;
  }

  #sendAfterAll(pages: PageSet): void {
    this.#sentAfterAll += pages.count;
    this.#leftOut.deleteAll(pages);
  }

  async #search(): Promise<void> {
    const opened = await this.#open();
    if (opened instanceof Unreadable) {
      this.#giveUp(opened.reason);
      return;
    }
    this.#inspector = opened;
    this.#state = 'on';
    await this.#look(opened);
    this.#log.info({ pageFilter: this.view }, 'the guest can be looked into');
  }

  #startLook(): void {
    if (this.#inspector !== undefined && this.#state === 'on')
      this.#inBackground(this.#look(this.#inspector));
  }

  async #look(inspector: Inspector): Promise<void> {
    const isWatched = this.#isWatching;
    const begun = performance.now();
    this.#written.clear();
    this.#isMapped = false;
    const seen = await inspector.look(this, this.#signal);
    if (seen instanceof Unreadable) {
      this.#giveUp(seen.reason);
      return;
    }
    if (!this.#wanted.free) this.free.clear();
    if (!this.#wanted.cache) this.cache.clear();
    this.free.deleteAll(this.#written);
    this.cache.deleteAll(this.#written);
    await this.#mapFilePages(inspector);
    this.#pages = seen;
    this.#isWatched = isWatched;
    this.#isNews = true;
    this.#looks++;
    this.#lookEndedMs = performance.now();
    this.#lastLookMs = this.#lookEndedMs - begun;
    this.#lookMs += this.#lastLookMs;
    this.#log.debug({ pages: seen, lookMs: this.#lastLookMs, isWatched }, 'the guest was looked into');
  }

  get #isMapWanted(): boolean {
    return this.#filePages?.wantsMap === true && this.#findsFilePages && this.cache.count > 0;
  }

  async #mapFilePages(inspector: Inspector): Promise<void> {
    if (this.#filePages === undefined || !this.#isMapWanted) return;
    const map = await inspector.mapFilePages(this.cache, this.#signal);
    if (map instanceof Unreadable) {
      this.#log.info({ reason: map.reason }, 'where the cache of the guest lies on its disks is not known');
      this.#findsFilePages = false;
      this.#filePages.unknown();
      return;
    }
    this.#filePages.mapped(map);
    this.#filePages.written(this.#written);
    this.#isMapped = true;
    this.#log.debug({ pages: map.pages.count }, 'pages of cache were found on the disks of the guest');
  }

  /** Without it the guest goes whole. What it stumbled over the migration stumbles over by itself, if it matters there. */
  #inBackground(work: Promise<void>): void {
    this.#looking = work
      .catch((thrown: unknown) => {
        if (!this.#signal.aborted) this.#giveUp(asPageferryError(thrown).message);
      })
      .finally(() => {
        this.#looking = undefined;
      });
  }

  #giveUp(reason: string): void {
    this.#state = 'unsupported';
    this.#reason = reason;
    this.free.clear();
    this.cache.clear();
    this.#isNews = true;
    this.#log.info({ reason }, 'the guest cannot be looked into: all of its pages are sent');
    this.#filePages?.unknown();
  }
}
