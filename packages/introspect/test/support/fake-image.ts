const PAGE = 4096;

/** A part of guest-physical memory in which things find their places, each at the beginning of a page. */
export class FakeImage {
  readonly memory: Buffer;
  readonly start: number;
  readonly #virtualStart: bigint;
  readonly #places = new Map<string, number>();
  #end: number;

  constructor(memory: Buffer, start: number, virtualStart: bigint) {
    this.memory = memory;
    this.start = start;
    this.#virtualStart = virtualStart;
    this.#end = start;
  }

  /** Finds a place; returns its physical address. */
  place(name: string, content: Uint8Array | number): number {
    const at = this.#end;
    this.#places.set(name, at);
    const length = typeof content === 'number' ? content : content.length;
    if (typeof content !== 'number') this.memory.set(content, at);
    this.#end += Math.ceil(length / PAGE) * PAGE;
    return at;
  }

  physical(name: string): number {
    const at = this.#places.get(name);
    if (at === undefined) throw new Error(`${name} has no place`);
    return at;
  }

  virtual(name: string): bigint {
    return this.#virtualStart + BigInt(this.physical(name) - this.start);
  }

  put64(at: number, value: bigint): void {
    this.memory.writeBigUInt64LE(BigInt.asUintN(64, value), at);
  }
}
