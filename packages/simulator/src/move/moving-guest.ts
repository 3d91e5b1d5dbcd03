import { PAGE_SIZE, PageSet, type PageRun } from '@pageferry/transfer';
import type { SimulatedGuest } from '../guest.js';
import type { LinkShape } from '../link/link-shape.js';
import { SimulatedLink } from '../link/simulated-link.js';
import type { Workload } from '../workload/workload.js';
import type { Outcome, Strategy } from './outcome.js';
import { Samples } from './samples.js';

/** A page with its address. */
const PAGE_BYTES = PAGE_SIZE + 8;
/** Pages of a frame. */
export const FRAME_PAGES = 64;
const LEAST_WINDOW_FRAMES = 4;
/** Samples between two looks at the dirty log, in the time that all memory takes. */
const SAMPLES_A_PASS = 100;

export interface MoveOptions {
  readonly guest: SimulatedGuest;
  /** Of the simulated guest. */
  readonly workload: Workload;
  /** Of the guest, not of the simulated one. */
  readonly link: LinkShape;
  /** ms */
  readonly roundTripMs: number;
  /** Most bytes in flight. */
  readonly windowBytes: number;
  /** What can be read of the dirty log, which names each page with its content, bytes a second; Infinity if it does not limit. */
  readonly logBytesPerSecond: number;
  /** Longest time, ms, for which the guest may stand still. */
  readonly downtimeLimitMs: number;
  /** Part of the downtime that the last pages do not cause, ms. */
  readonly overheadMs: number;
  /** Of the whole pre-copy, ms. */
  readonly timeLimitMs: number;
  /** The dirty log is read no more often than that, ms: for moves of hours. */
  readonly shortestLogIntervalMs: number;
}

/** A guest on the move: its clock, its link, and what it writes meanwhile. */
export class MovingGuest {
  readonly pending: PageSet;
  readonly link: SimulatedLink;
  readonly #options: MoveOptions;
  readonly #samples = new Samples();
  readonly #written: PageSet;
  readonly #remaining: PageSet;
  readonly #sampleIntervalMs: number;
  #now = 0;
  #writtenUntil = 0;
  #sentPages = 0;
  #sampledMs = 0;
  #sampledBytes = 0;
  #dirtiedPages = 0;

  constructor(options: MoveOptions) {
    const { guest, link, roundTripMs, windowBytes } = options;
    this.#options = options;
    this.pending = new PageSet(guest.layout);
    this.pending.fill();
    this.#written = new PageSet(guest.layout);
    this.#remaining = new PageSet(guest.layout);
    this.#sampleIntervalMs = ((guest.layout.bytes * guest.scale) / link.at(0) / SAMPLES_A_PASS) * 1000;
    this.link = new SimulatedLink({
      shape: link.scaledBy(guest.scale),
      roundTripMs,
      windowBytes: Math.max(windowBytes / guest.scale, LEAST_WINDOW_FRAMES * FRAME_PAGES * PAGE_BYTES),
    });
  }

  /** Since the beginning, ms. */
  get now(): number {
    return this.#now;
  }

  /** Lets time pass until a moment, if it is not over yet. */
  waitUntil(ms: number): void {
    this.#now = Math.max(this.#now, ms);
    this.link.advance(this.#now);
  }

  waitForRoom(): void {
    this.waitUntil(this.link.roomMs(this.#now));
  }

  waitUntilDrained(): void {
    this.waitUntil(this.link.drainedMs(this.#now));
  }

  /** Sends so many pages now; answers their bytes on the wire. */
  send(pages: number): number {
    const bytes = pages * PAGE_BYTES;
    this.link.send(bytes, this.#now);
    this.#sentPages += pages;
    return bytes;
  }

  /** Adds what was written since it was asked last. */
  collect(dirtied: PageSet): void {
    if (this.#now === this.#writtenUntil) return;
    this.#written.clear();
    this.#options.workload.write(this.#written, this.#writtenUntil, this.#now);
    this.#dirtiedPages += this.#written.count;
    dirtied.addAll(this.#written);
    this.#writtenUntil = this.#now;
  }

  /** How long it takes to read of the log that so many pages were written, ms. */
  logMs(pages: number): number {
    const { guest, logBytesPerSecond } = this.#options;
    return ((pages * guest.scale * PAGE_SIZE) / logBytesPerSecond) * 1000;
  }

  /** Notes where the move stands. */
  sample(remainingPages: number): void {
    const seconds = (this.#now - this.#sampledMs) / 1000;
    if (seconds <= 0) return;
    const { scale } = this.#options.guest;
    this.#samples.add({
      ms: this.#now,
      remainingBytes: remainingPages * PAGE_SIZE * scale,
      dirtiedBytesPerSecond: (this.#dirtiedPages * PAGE_SIZE * scale) / seconds,
      arrivedBytesPerSecond: ((this.#arrivedBytes - this.#sampledBytes) * scale) / seconds,
    });
    this.#sampledMs = this.#now;
    this.#sampledBytes = this.#arrivedBytes;
    this.#dirtiedPages = 0;
  }

  /** Notes it between two looks at the log, now and then: what was written since the last one is to be sent as well. */
  sampleOnTheWay(dirtied: PageSet): void {
    if (this.#now < this.#sampledMs + this.#sampleIntervalMs) return;
    this.collect(dirtied);
    this.#remaining.clear();
    this.#remaining.addAll(this.pending);
    this.#remaining.addAll(dirtied);
    this.sample(this.#remaining.count);
  }

  /** Stops the guest and brings the rest, before it runs on or after. */
  finish(end: {
    readonly strategy: Strategy;
    readonly reason: Outcome['reason'];
    readonly iterations: number;
    readonly postcopy: boolean;
  }): Outcome {
    const { overheadMs, guest } = this.#options;
    // What is in flight arrives before the guest is stopped, which writes on meanwhile.
    this.waitUntilDrained();
    this.collect(this.pending);
    const stopped = this.#now;
    this.sample(this.pending.count);
    const sentBefore = this.link.sentBytes;
    this.waitUntil(stopped + overheadMs);
    const resumed = this.#now;
    this.#sendAll();
    this.sample(0);
    const { strategy, reason, iterations, postcopy } = end;
    return {
      strategy,
      reason,
      totalMs: this.#now,
      downtimeMs: (postcopy ? resumed : this.#now) - stopped,
      sentBytes: this.link.sentBytes * guest.scale,
      sentAfterStopBytes: (this.link.sentBytes - sentBefore) * guest.scale,
      sentPages: this.#sentPages * guest.scale,
      iterations,
      samples: this.#samples.all,
    };
  }

  /** The next run from a page on; the first one again after the last one. */
  nextRun(from: number): PageRun | undefined {
    const { pending } = this;
    let first = pending.nextSet(from);
    if (first === -1) first = pending.nextSet(0);
    if (first === -1) return undefined;
    return { first, count: pending.runLength(first, FRAME_PAGES) };
  }

  #sendAll(): void {
    for (let run = this.nextRun(0); run !== undefined; run = this.nextRun(run.first)) {
      this.pending.deleteRange(run.first, run.count);
      this.send(run.count);
      this.waitForRoom();
    }
    this.waitUntilDrained();
  }

  get #arrivedBytes(): number {
    return this.link.sentBytes - this.link.inFlightBytes;
  }
}
