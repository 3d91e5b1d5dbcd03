import type { Logger } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import { PAGE_SIZE, PageSet, type HashBytes, type PageLayout } from '@pageferry/transfer';
import {
  MAX_BLOCK_RECORDS,
  checkSettledFrame,
  runAddress,
  runPages,
  type FrameHeader,
  type WireDisk,
} from '@pageferry/wire';
import type { FlowControl } from '../flow-control.js';
import type { GuestMemory } from '../page-sender.js';
import { BlocksFrames } from './blocks-frames.js';
import { DiskMatch } from './disk-match.js';
import type { DiskPages, FilePageMap } from './file-page-map.js';
import type { StorageView } from './storage-resource.js';
import { UnsettledWindow } from './unsettled-window.js';

/** From one call of {@link StorageSender.advance} to the next, where it could be called all the time, ms. */
export const STORAGE_INTERVAL_MS = 5;
/** That show whether a disk is the guest's. */
const TRIAL_PAGES = 32;
/** Since the link was full: where it is not, nothing is gained, ms. */
const LINK_BUSY_MS = 100;
/** That may be named before QEMU's first pass has come to them. */
const MOST_EARLY_PAGES = 65_536;
/** What the link may have in flight while pages are named, ms: they queue behind it. */
const QUEUE_MS = 100;
const LEAST_QUEUE_BYTES = 1024 * 1024;
/** Of the map, that are looked at in one go. */
const MOST_LOOKED_AT = 65_536;

const NEVER = (): boolean => false;

export interface StorageSenderOptions {
  readonly layout: PageLayout;
  readonly memory: GuestMemory;
  readonly flow: Pick<FlowControl, 'send' | 'inFlightBytes' | 'bytesPerSecond' | 'window' | 'wasFullWithin'>;
  readonly hash: HashBytes;
  /** The destination's. */
  readonly disks: readonly WireDisk[];
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

/** A guest's disk, and how far its pages have been gone through. */
interface Course {
  readonly match: DiskMatch;
  readonly pages: DiskPages;
  cursor: number;
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
  readonly #there: readonly WireDisk[];
  readonly #log: Logger;
  readonly #window = new UnsettledWindow();
  readonly #matches = new Map<string, DiskMatch>();
  #courses: Course[] = [];
  /** Those of the map that were not named, nor written to since. */
  readonly #mapped: PageSet;
  /** Of the newest map, at first. */
  #mappedPages = 0;
  readonly #failed: PageSet;
  /** Hashes of pages that may have changed since they were named, without the log saying so. */
  readonly #early = new Map<number, bigint>();
  readonly #batches = new Map<number, Batch>();
  #newestBatch = 0;
  #wasFull = false;
  #isOff = false;
  #isEarly: (page: number) => boolean = NEVER;
  #restoredPages = 0;
  #unrestoredPages = 0;
  #waiting: (() => void)[] = [];
  readonly #pages = new Uint32Array(MAX_BLOCK_RECORDS);
  readonly #offsets = new Float64Array(MAX_BLOCK_RECORDS);

  constructor({ layout, memory, flow, hash, disks, log }: StorageSenderOptions) {
    this.#layout = layout;
    this.#flow = flow;
    this.#frames = new BlocksFrames(layout, memory, hash);
    this.#there = disks;
    this.#log = log;
    this.unsettled = new PageSet(layout);
    this.#mapped = new PageSet(layout);
    this.#failed = new PageSet(layout);
  }

  get view(): StorageView {
    return {
      disks: [...this.#matches.values()].map(({ disk: { name, bytes }, state }) => ({ name, bytes, state })),
      mapped: this.#mappedPages,
      restored: this.#restoredPages,
      unrestored: this.#unrestoredPages,
    };
  }

  /** The guest was looked into (again). */
  mapped(map: FilePageMap): void {
    this.#mapped.clear();
    this.#mapped.addAll(map.pages);
    this.#mapped.deleteAll(this.unsettled);
    this.#mappedPages = map.pages.count;
    this.#courses = map.disks.map((pages) => ({ pages, match: this.#matchOf(pages), cursor: 0 }));
  }

  /** The guest has written to these pages. */
  written(pages: PageSet): void {
    this.#mapped.deleteAll(pages);
  }

  /**
   * Names pages to the destination, as many as it may be restoring now. What was given to a `PageSender` before has to be
   * flushed.
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
    // Reading from storage takes more of the processors than the network does.
    if (!this.#flow.wasFullWithin(LINK_BUSY_MS)) return;
    this.#isEarly = isEarly;
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
    const hash = this.#early.get(page);
    this.#early.delete(page);
    return this.#frames.hashOf(page) === hash;
  }

  /** The log names every write from now on. */
  watch(): void {
    this.#early.clear();
  }

  /** Takes a `settled` frame. Error: `protocol-violation`. */
  settled(frame: Buffer, header: FrameHeader): void {
    const block = this.#layout.blocks[header.block];
    if (block === undefined) {
      throw new PageferryError(
        'protocol-violation',
        `the destination has settled pages of a RAM block ${header.block}`,
      );
    }
    checkSettledFrame(frame, header, block.length);
    const batch = this.#batches.get(header.sequence);
    // It was given up meanwhile.
    if (batch === undefined) return;
    this.#batches.delete(header.sequence);
    for (const page of batch.pages) this.unsettled.delete(page);
    let failed = 0;
    for (let run = 0; run < header.count; run++) {
      const first = block.firstPage + runAddress(frame, run) / PAGE_SIZE;
      failed += runPages(frame, run);
      this.#failed.addRange(first, runPages(frame, run));
    }
    const { match, disk, heardAt, pages } = batch;
    this.#restoredPages += pages.length - failed;
    this.#unrestoredPages += failed;
    this.#window.settled(pages.length, heardAt, performance.now(), this.#wasFull);
    this.#tellState(match, () => {
      match.settled(disk, pages.length, failed);
    });
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

  #matchOf({ disk }: DiskPages): DiskMatch {
    const key = `${disk.name} ${disk.bytes}`;
    const known = this.#matches.get(key);
    if (known !== undefined) return known;
    const match = new DiskMatch(disk, this.#there);
    this.#matches.set(key, match);
    this.#log.info({ disk, state: match.state }, 'a disk of the guest');
    return match;
  }

  /** Answers how many pages were named. */
  #advance(course: Course, candidates: PageSet, sent: (page: number) => void, most: number): number {
    const { pages, offsets } = course.pages;
    const room = Math.min(this.#window.pages - this.unsettled.count, most);
    const looked = Math.min(MOST_LOOKED_AT, pages.length);
    let count = 0;
    let named = 0;
    let limit = 0;
    for (let at = 0; at < looked && named < room; at++) {
      const page = pages[course.cursor] ?? 0;
      const offset = offsets[course.cursor] ?? 0;
      course.cursor = (course.cursor + 1) % pages.length;
      if (!this.#mapped.has(page) || !candidates.has(page)) continue;
      if (this.#early.size + count >= MOST_EARLY_PAGES && this.#isEarly(page)) continue;
      if (count === MAX_BLOCK_RECORDS || (count > 0 && this.#isOfOther(page, limit))) {
        this.#send(course.match, count);
        count = 0;
      }
      if (count === 0) limit = page;
      this.#pages[count] = page;
      this.#offsets[count] = offset;
      count++;
      named++;
      this.#mapped.delete(page);
      this.unsettled.add(page);
      sent(page);
    }
    if (count > 0) this.#send(course.match, count);
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

  #isOfOther(page: number, other: number): boolean {
    return this.#layout.blockOfPage(page) !== this.#layout.blockOfPage(other);
  }

  /** Names the first `count` of the pages that have been collected. */
  #send(match: DiskMatch, count: number): void {
    const disk = match.number;
    if (disk === undefined) return;
    const batch = ++this.#newestBatch;
    const placed = { disk, batch, pages: this.#pages, offsets: this.#offsets, count };
    const frame = this.#frames.make(placed, (page, hash) => {
      if (this.#isEarly(page)) this.#early.set(page, hash);
    });
    this.#batches.set(batch, { match, disk, pages: this.#pages.slice(0, count), heardAt: this.#heardAt });
    // A connection that breaks is noticed by whoever waits for room in it.
    this.#flow.send(frame).catch(() => undefined);
  }

  #tellState(match: DiskMatch, change: () => void): void {
    const { state } = match;
    change();
    if (match.state === state) return;
    const { disk } = match;
    this.#log.info(
      { disk, state: match.state },
      'a disk of the guest was compared with one of the destination',
    );
  }
}
