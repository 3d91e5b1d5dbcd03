import { PAGE_SIZE } from '../page-layout.js';
import { RarerProbes } from '../rarer-probes.js';

/** The link must need so much longer for what is spared than the processor for finding it: its time is missed elsewhere. */
const MARGIN_TO_BEGIN = 1.5;
/** Less than to begin, so that it does not go on and off with every batch. */
const MARGIN_TO_STAY = 1.1;
/** Weight of the newest batch: memory has regions, and the next one may be another matter. */
const SMOOTHING = 0.4;
/** Pages that a batch must have to count as much; one of a few pages says less. */
const PAGES_OF_FULL_WEIGHT = 64;
/** Of the time a page takes, by one batch. */
const LARGEST_RISE = 2;

/** A batch that took no time at all took less than the clock can tell. */
const CLOCK_STEP_MS = 0.01;

/** What a decision about an encoding rests on. */
export interface EncodingStanding {
  /** Whether the encoding is looked for in every batch; otherwise now and then. */
  readonly pays: boolean;
  /** Bytes spared on the wire over bytes of the pages looked at; undefined before the first batch. */
  readonly sparedShare: number | undefined;
  /** Processor time for a page looked at, in ms; undefined before the first batch. */
  readonly msPerPage: number | undefined;
  /** The link's speed when it was asked last; undefined while not known. */
  readonly linkBytesPerSecond: number | undefined;
}

/**
 * Whether looking for shorter encodings of pages makes a transfer faster: it pays while the link would need longer for
 * the bytes spared than the processor needs to spare them. Each batch that was looked at says what it spared and how
 * long it took. While it does not pay, a batch is looked at now and then, ever more rarely.
 */
export class EncodingGain {
  readonly #probes = new RarerProbes();
  #pays = true;
  /** Bytes. */
  #sparedPerPage: number | undefined;
  #msPerPage = 0;
  #linkBytesPerSecond: number | undefined;

  /** Whether it pays, and why: for the log. */
  get standing(): EncodingStanding {
    const looked = this.#sparedPerPage !== undefined;
    return {
      pays: this.#pays,
      sparedShare: looked ? (this.#sparedPerPage ?? 0) / PAGE_SIZE : undefined,
      msPerPage: looked ? this.#msPerPage : undefined,
      linkBytesPerSecond: this.#linkBytesPerSecond,
    };
  }

  /**
   * Whether to look for encodings in the next batch.
   * @param linkBytesPerSecond undefined while not known: it is tried then
   */
  shouldTry(linkBytesPerSecond: number | undefined): boolean {
    this.#linkBytesPerSecond = linkBytesPerSecond;
    this.#pays = this.#judge(linkBytesPerSecond);
    return this.#probes.shouldTry(this.#pays);
  }

  /**
   * A batch was looked at.
   * @param bytesSpared on the wire, in comparison with sending these pages as they are
   * @param ms processor time that it took
   */
  tried(pages: number, bytesSpared: number, ms: number): void {
    if (pages === 0) return;
    const spared = bytesSpared / pages;
    const time = Math.max(ms, CLOCK_STEP_MS) / pages;
    if (this.#sparedPerPage === undefined) {
      this.#sparedPerPage = spared;
      this.#msPerPage = time;
      return;
    }
    const counts = Math.min(1, pages / PAGES_OF_FULL_WEIGHT);
    this.#sparedPerPage += counts * SMOOTHING * (spared - this.#sparedPerPage);
    // A batch that had to wait for a processor, or for its code to be compiled, does not say that a look takes long; a
    // faster one says that it does not.
    const believed = Math.min(time, this.#msPerPage * LARGEST_RISE);
    const smoothing = believed < this.#msPerPage ? 1 : SMOOTHING;
    this.#msPerPage += counts * smoothing * (believed - this.#msPerPage);
  }

  #judge(linkBytesPerSecond: number | undefined): boolean {
    if (linkBytesPerSecond === undefined || this.#sparedPerPage === undefined) return true;
    const linkMs = (this.#sparedPerPage / linkBytesPerSecond) * 1000;
    return linkMs > this.#msPerPage * (this.#pays ? MARGIN_TO_STAY : MARGIN_TO_BEGIN);
  }
}
