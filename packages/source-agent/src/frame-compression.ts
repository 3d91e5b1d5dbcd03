import { CompressionGain, PAGE_SIZE, looksCompressible } from '@pageferry/transfer';
import { HEADER_BYTES, compressPages } from '@pageferry/wire';

/** Compresses frames of pages, in other threads, while that makes a guest's transfer faster. */
export class FrameCompression {
  readonly #gain = new CompressionGain();
  /** Frames that are being compressed. */
  #atOnce = 0;

  /** Of the page at this offset: its bytes on the wire over those that it has. */
  expectedRatio(bytes: Buffer, offset: number): number {
    const { expectedRatio } = this.#gain;
    return expectedRatio === 1 || !looksCompressible(bytes, offset, PAGE_SIZE) ? 1 : expectedRatio;
  }

  /** @param bytesPerSecond of the link; undefined while not known */
  shouldCompress(frame: Buffer, bytesPerSecond: number | undefined): boolean {
    const body = frame.length - HEADER_BYTES;
    return looksCompressible(frame, HEADER_BYTES, body) && this.#gain.shouldCompress(bytesPerSecond);
  }

  /** What to send of the frame, which must not change meanwhile: the frame itself, if it does not become smaller. */
  async compress(frame: Buffer): Promise<Buffer> {
    const begun = performance.now();
    const atOnce = ++this.#atOnce;
    const compressed = await compressPages(frame).finally(() => this.#atOnce--);
    // Those that were at it at the same time shared the processors.
    const ms = (performance.now() - begun) / atOnce;
    this.#gain.compressed(frame.length, compressed.length, ms);
    return compressed.length < frame.length ? compressed : frame;
  }
}
