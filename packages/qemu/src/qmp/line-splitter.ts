const LINE_FEED = 0x0a;

/** Cuts a byte stream into lines, however its chunks fall, and holds no more than one line of a bounded length. */
export class LineSplitter {
  readonly #maxLength: number;
  #parts: Uint8Array[] = [];
  #length = 0;

  /** @param maxLength the longest line that is accepted, in bytes without its line feed */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Bytes of the line that has begun and not ended. */
  get pendingLength(): number {
    return this.#length;
  }

  /**
   * Yields every line that `chunk` ends, without its line feed.
   * @throws RangeError as soon as a line is longer than the bound
   */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    while (start < chunk.length) {
      const found = chunk.indexOf(LINE_FEED, start);
      const end = found === -1 ? chunk.length : found;
      this.#append(chunk.subarray(start, end));
      if (found === -1) return;
      yield this.#take();
      start = end + 1;
    }
  }

  #append(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#length > this.#maxLength) {
      throw new RangeError(`a line is longer than ${this.#maxLength} bytes`);
    }
    if (part.length > 0) this.#parts.push(part);
  }

  #take(): Uint8Array {
    const line = Buffer.concat(this.#parts, this.#length);
    this.#parts = [];
    this.#length = 0;
    return line;
  }
}
