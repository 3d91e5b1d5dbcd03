/** What a reader of blocks has done since it was opened. */
export interface BlockReaderStatistics {
  /** Blocks that were handed over, and those that could not be read. */
  readonly blocks: number;
  readonly failedBlocks: number;
  /** Reads that have ended, and the bytes that they brought, gaps included. */
  readonly reads: number;
  readonly bytes: number;
  /** While at least one read was in flight, ms. */
  readonly busyMs: number;
  /** Of all reads together, and of the slowest one, from the request to the last byte, ms. */
  readonly latencyMs: number;
  readonly slowestMs: number;
}

/** Counts reads and their blocks, without a clock of its own. */
export class ReadStatistics {
  blocks = 0;
  failedBlocks = 0;
  #reads = 0;
  #bytes = 0;
  #busyMs = 0;
  #latencyMs = 0;
  #slowestMs = 0;
  #inFlight = 0;
  #busySinceMs = 0;

  begun(nowMs: number): void {
    if (this.#inFlight++ === 0) this.#busySinceMs = nowMs;
  }

  /** @param bytes that it brought: 0 if it failed */
  ended(begunMs: number, bytes: number, nowMs: number): void {
    this.#reads++;
    this.#bytes += bytes;
    this.#latencyMs += nowMs - begunMs;
    this.#slowestMs = Math.max(this.#slowestMs, nowMs - begunMs);
    if (--this.#inFlight === 0) this.#busyMs += nowMs - this.#busySinceMs;
  }

  standing(nowMs: number): BlockReaderStatistics {
    return {
      blocks: this.blocks,
      failedBlocks: this.failedBlocks,
      reads: this.#reads,
      bytes: this.#bytes,
      busyMs: this.#busyMs + (this.#inFlight > 0 ? nowMs - this.#busySinceMs : 0),
      latencyMs: this.#latencyMs,
      slowestMs: this.#slowestMs,
    };
  }
}
