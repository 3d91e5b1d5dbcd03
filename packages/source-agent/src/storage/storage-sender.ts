import type { Logger } from '@pageferry/daemon';
import { PageSet, type HashBytes, type PageLayout } from '@pageferry/transfer';
import type { FrameHeader, WireDisk } from '@pageferry/wire';
import type { FlowControl } from '../flow-control.js';
import type { GuestMemory } from '../page-sender.js';
import { BlocksFrames } from './blocks-frames.js';
import { DiskCourse } from './disk-course.js';
import type { DiskMatch } from './disk-match.js';
import { DiskMatches } from './disk-matches.js';
import { EarlyPages } from './early-pages.js';
import type { FilePageMap } from './file-page-map.js';
import { PlacedPages } from './placed-pages.js';
import { forEachSettledRun } from './settled-runs.js';
import type { StorageView } from './storage-resource.js';
import { UnsettledWindow } from './unsettled-window.js';

/** From one time that {@link StorageSender.advance} names pages to the next, ms. */
export const STORAGE_INTERVAL_MS = 5;
/** That show whether a disk is the guest's. */
const TRIAL_PAGES = 32;
/** Since the link was full: where it is not, nothing is gained, ms. */
const LINK_BUSY_MS = 100;
/** What the link may have in flight while pages are named, ms: they queue behind it. */
const QUEUE_MS = 100;
const LEAST_QUEUE_BYTES = 1024 * 1024;

const NEVER = (): boolean => false;
const ALWAYS = (): boolean => true;

export interface StorageSenderOptions {
  readonly layout: PageLayout;
  readonly memory: GuestMemory;
  readonly flow: Pick<FlowControl, 'send' | 'inFlightBytes' | 'bytesPerSecond' | 'window' | 'wasFullWithin'>;
  readonly hash: HashBytes;
  /** The destination's. */
  readonly disks: readonly WireDisk[];
  /** {@link STORAGE_INTERVAL_MS} unless given. */
  readonly intervalMs?: number | undefined;
  /** Whether pages may be named now; until {@link StorageSender.allow} is called, always unless given. */
  readonly mayBeUsed?: (() => boolean) | undefined;
  readonly log: Logger;
}

/** Pages that the destination was told to restore, and has not yet settled. */
interface Batch {
  readonly match: DiskMatch;
  /** The destination's disk. */
  readonly disk: number;
  /** Page indices. */
  readonly pages: Uint32Array;
  /** When the destination is expected to hear of it, behind all that is in flight; `performance.now()`. */
  readonly heardAt: number;
}

/**
 * Has the destination restore pages of cache from the disk that both hosts share: what is sent of such a page is where it lies, and
 * its hash. What the destination cannot restore goes as any other page ({@link takeFailed}); so does what the guest writes to
 * meanwhile, as the dirty log names it: a later content of a page always wins.
 */
export class StorageSender {
  /** Pages that were named, and not settled yet: they may not be there. */
  readonly unsettled: PageSet;
  readonly #layout: PageLayout;
  readonly #flow: StorageSenderOptions['flow'];
  readonly #frames: BlocksFrames;
  readonly #log: Logger;
  readonly #window = new UnsettledWindow();
  readonly #matches: DiskMatches;
  #courses: DiskCourse[] = [];
  /** Those of the map that were not named, nor written to since. */
  readonly #mapped: PageSet;
  /** Of the newest map, at first. */
  #mappedPages = 0;
  readonly #failed: PageSet;
  readonly #early = new EarlyPages();
  readonly #batches = new Map<number, Batch>();
  #newestBatch = 0;
  #wasFull = false;
  #isOff = false;
  #mayBeUsed: () => boolean;
  readonly #intervalMs: number;
  #advancedAt = -Infinity;
  #restoredPages = 0;
  #unrestoredPages = 0;
  #waiting: (() => void)[] = [];
  readonly #open: PlacedPages;

  constructor(options: StorageSenderOptions) {
    const { layout, memory, flow, hash, disks, intervalMs, mayBeUsed = ALWAYS, log } = options;
    this.#mayBeUsed = mayBeUsed;
    this.#layout = layout;
    this.#flow = flow;
    this.#frames = new BlocksFrames(layout, memory, hash);
    this.#matches = new DiskMatches(disks, log);
    this.#intervalMs = intervalMs ?? STORAGE_INTERVAL_MS;
    this.#log = log;
    this.#open = new PlacedPages(layout);
    this.unsettled = new PageSet(layout);
    this.#mapped = new PageSet(layout);
    this.#failed = new PageSet(layout);
  }

  get view(): StorageView {
    return {
      disks: this.#matches.view,
      mapped: this.#mappedPages,
      restored: this.#restoredPages,
      unrestored: this.#unrestoredPages,
    };
  }

  /** Whether pages may be named now: otherwise it is of no use yet to know where they lie. */
  get mayBeUsed(): boolean {
    return this.#mayBeUsed();
  }

  /** Pages may be named from now on. */
  allow(): void {
    this.#mayBeUsed = ALWAYS;
  }

  /** The guest was looked into (again). */
  mapped(map: FilePageMap): void {
    this.#mapped.clear();
    this.#mapped.addAll(map.pages);
    this.#mapped.deleteAll(this.unsettled);
    this.#mappedPages = map.pages.count;
    this.#courses = map.disks.map((pages) => new DiskCourse(this.#matches.of(pages.disk), pages));
  }

  /** The guest has written to these pages. */
  written(pages: PageSet): void {
    this.#mapped.deleteAll(pages);
  }

  /**
   * Names pages to the destination, as many as it may be restoring now; may be called all the time. What was given to a
   * `PageSender` before has to be flushed.
   * @param candidates pages that are to be sent: of them, those that lie on disks may be named
   * @param sent hears of each page that is
   * @param isEarly whether the log does not yet say what becomes of a page: {@link isAsNamed} has to be asked when it does
   */
  advance(
    candidates: PageSet,
    sent: (page: number) => void,
    isEarly: (page: number) => boolean = NEVER,
  ): void {
    if (this.#isOff || this.#mapped.count === 0 || candidates.count === 0) return;
    const now = performance.now();
    if (now < this.#advancedAt + this.#intervalMs) return;
    this.#advancedAt = now;
    if (!this.mayBeUsed) return;
    // Reading from storage takes more of the processors than the network does.
    if (!this.#flow.wasFullWithin(LINK_BUSY_MS)) return;
    this.#early.isEarly = isEarly;
    this.#shortenQueue();
    for (const course of this.#courses) {
      if (course.match.state === 'untried') {
        if (this.#advance(course, candidates, sent, TRIAL_PAGES) > 0) course.match.tried();
      } else if (course.match.state === 'shared') {
        this.#advance(course, candidates, sent, Infinity);
      }
    }
  }

  /** Whether the page was named before its record came. */
  wasNamedEarly(page: number): boolean {
    return this.#early.has(page);
  }

  /** The record of such a page has come: whether it still has what it had when it was named. */
  isAsNamed(page: number): boolean {
    return this.#frames.hashOf(page) === this.#early.take(page);
  }

  /** The log names every write from now on. */
  watch(): void {
    this.#early.clear();
  }

  /** Takes a `settled` frame. Error: `protocol-violation`. */
  settled(frame: Buffer, header: FrameHeader): void {
    const batch = this.#batches.get(header.sequence);
    let failed = 0;
    forEachSettledRun(frame, header, this.#layout, (first, count) => {
      if (batch !== undefined) this.#failed.addRange(first, count);
      failed += count;
    });
    // It was given up meanwhile.
    if (batch === undefined) return;
    this.#batches.delete(header.sequence);
    const { match, disk, heardAt, pages } = batch;
    for (const page of pages) this.unsettled.delete(page);
    this.#restoredPages += pages.length - failed;
    this.#unrestoredPages += failed;
    this.#window.settled(pages.length, heardAt, performance.now(), this.#wasFull);
    this.#matches.settled(match, disk, pages.length, failed);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Whether everything that was named is there, or was taken by {@link takeFailed}. */
  get isSettled(): boolean {
    return this.#batches.size === 0 && this.#failed.count === 0;
  }

  /** Resolves when the destination has settled something more. */
  async progress(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Calls `take` with what could not be restored, if there is any: it has to be sent. */
  takeFailed(take: (pages: PageSet) => void): void {
    if (this.#failed.count === 0) return;
    take(this.#failed);
    this.#failed.clear();
  }

  /** Waits for nothing any more: calls `take` with what may not be there. What the destination says about it is not heard. */
  giveUp(take: (pages: PageSet) => void): void {
    this.#failed.addAll(this.unsettled);
    this.#mapped.addAll(this.unsettled);
    this.unsettled.clear();
    for (const { match } of this.#batches.values()) match.forgotten();
    this.#batches.clear();
    this.takeFailed(take);
  }

  /** As {@link giveUp}; nothing is named any more. */
  turnOff(take: (pages: PageSet) => void): void {
    this.#log.warn({ pages: this.unsettled.count }, 'shared storage takes too long: the rest is sent');
    this.#isOff = true;
    this.giveUp(take);
  }

  /** Answers how many pages were named. */
  #advance(course: DiskCourse, candidates: PageSet, sent: (page: number) => void, most: number): number {
    const room = Math.min(this.#window.pages - this.unsettled.count, most);
    const open = this.#open;
    const named = course.goOn(room, (page, offset) => {
      if (!this.#mapped.has(page) || !candidates.has(page)) return false;
      if (!this.#early.hasRoom(page, open.count)) return false;
      if (!open.hasRoomFor(page)) this.#send(course.match);
      open.add(page, offset);
      this.#mapped.delete(page);
      this.unsettled.add(page);
      sent(page);
      return true;
    });
    if (open.count > 0) this.#send(course.match);
    this.#wasFull = named >= room;
    return named;
  }

  #shortenQueue(): void {
    const { bytesPerSecond, window } = this.#flow;
    if (bytesPerSecond === undefined) return;
    const queue = Math.max((bytesPerSecond * QUEUE_MS) / 1000, LEAST_QUEUE_BYTES);
    if (queue < window) this.#flow.window = queue;
  }

  get #heardAt(): number {
    const { inFlightBytes, bytesPerSecond } = this.#flow;
    const queueMs = bytesPerSecond === undefined ? 0 : (inFlightBytes / bytesPerSecond) * 1000;
    return performance.now() + queueMs;
  }

  /** Names the pages that have been collected. */
  #send(match: DiskMatch): void {
    const { pages, offsets, count } = this.#open;
    this.#open.count = 0;
    const disk = match.number;
    if (disk === undefined) return;
    const batch = ++this.#newestBatch;
    const frame = this.#frames.make({ disk, batch, pages, offsets, count }, this.#early.named);
    this.#batches.set(batch, { match, disk, pages: pages.slice(0, count), heardAt: this.#heardAt });
    // A connection that breaks is noticed by whoever waits for room in it.
    this.#flow.send(frame).catch(() => undefined);
  }
}
