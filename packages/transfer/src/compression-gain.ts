import { RarerProbes } from './rarer-probes.js';

/** Compression must leave less than this of the bytes to be worth anything. */
const WORTHWHILE_RATIO = 0.9;
/** And must be so much faster than the link, since what it takes the processor misses elsewhere. */
const SPEED_MARGIN = 1.5;
/** Weight of the newest frame: memory has regions, and the next one may be another matter. */
const SMOOTHING = 0.4;
/** Of the speed by one frame. */
const LARGEST_FALL = 0.5;

/**
 * Whether compressing frames that look compressible makes a transfer faster: each one that was compressed says how much
 * smaller it became and how long it took. While it does not pay, a frame is tried now and then, ever more rarely. What
 * does not shrink is given up early by the compressor, so that a look costs little.
 */
export class CompressionGain {
  readonly #probes = new RarerProbes();
  #ratio: number | undefined;
  /** Uncompressed bytes a second that the compressor takes. */
  #speed = 0;
  /** Whether frames are compressed at the moment. */
  #pays = false;

  /** Bytes on the wire over bytes before: 1 while nothing is compressed. */
  get expectedRatio(): number {
    return this.#pays ? (this.#ratio ?? 1) : 1;
  }

  /**
   * Whether to compress the next frame.
   * @param linkBytesPerSecond undefined while not known: nothing is compressed then
   */
  shouldCompress(linkBytesPerSecond: number | undefined): boolean {
    if (linkBytesPerSecond === undefined) return false;
    this.#pays =
      this.#ratio !== undefined &&
      this.#ratio < WORTHWHILE_RATIO &&
      this.#speed > linkBytesPerSecond * SPEED_MARGIN;
    return this.#probes.shouldTry(this.#pays);
  }

  /** A frame was compressed, and took `ms` of a compressor's time. */
  compressed(bytesBefore: number, bytesAfter: number, ms: number): void {
    // A single frame that had to wait for a processor does not say that the compressor is slow.
    const speed = Math.max((bytesBefore / Math.max(ms, 0.01)) * 1000, this.#speed * LARGEST_FALL);
    const ratio = bytesAfter / bytesBefore;
    this.#speed = this.#ratio === undefined ? speed : this.#speed + SMOOTHING * (speed - this.#speed);
    this.#ratio = this.#ratio === undefined ? ratio : this.#ratio + SMOOTHING * (ratio - this.#ratio);
  }
}
