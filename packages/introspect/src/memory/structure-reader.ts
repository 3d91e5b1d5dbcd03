import type { VirtualMemory } from './virtual-memory.js';

/** More is never read at once. */
const MOST_BYTES = 16 * 1024;

/**
 * Reads structures out of the kernel's memory, each as a whole. Their addresses are numbers here: how far they are below
 * 2^64. All of them lie at multiples of 8, so that none loses a bit.
 */
export class StructureReader {
  readonly #memory: VirtualMemory;
  readonly #windowBytes: number;
  readonly #bytes = new Uint8Array(MOST_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  /** The address and the length of what is in there, and where in it the structure begins. */
  #start = 0;
  #length = 0;
  #at = 0;

  /** @param windowBytes up to 16 KiB, a power of 2: what lies around a structure is read with it, for those that come next */
  constructor(memory: VirtualMemory, windowBytes = 0) {
    this.#memory = memory;
    this.#windowBytes = Math.min(windowBytes, MOST_BYTES);
  }

  /** Goes to a structure, for what is read until the next call; false if it is not there, or cannot be. */
  seek(address: number, length: number): boolean {
    if (!(address < 0 && address % 8 === 0) || length > MOST_BYTES) return false;
    const at = address - this.#start;
    if (at >= 0 && at + length <= this.#length) {
      this.#at = at;
      return true;
    }
    return this.#readAround(address, length) || this.#read(address, length, 0);
  }

  u8(offset: number): number {
    return this.#view.getUint8(this.#at + offset);
  }

  u16(offset: number): number {
    return this.#view.getUint16(this.#at + offset, true);
  }

  u32(offset: number): number {
    return this.#view.getUint32(this.#at + offset, true);
  }

  /** Exact below 2^53. */
  u64(offset: number): number {
    return this.u32(offset + 4) * 2 ** 32 + this.u32(offset);
  }

  /** For {@link seek}. */
  pointer(offset: number): number {
    return this.#view.getInt32(this.#at + offset + 4, true) * 2 ** 32 + this.u32(offset);
  }

  /** For what need not lie at a multiple of 8. */
  address(offset: number): bigint {
    return this.#view.getBigUint64(this.#at + offset, true);
  }

  /** Up to the first byte that is zero. */
  text(offset: number, length: number): string {
    const bytes = this.#bytes.subarray(this.#at + offset, this.#at + offset + length);
    const end = bytes.indexOf(0);
    return String.fromCharCode(...bytes.subarray(0, end === -1 ? length : end));
  }

  copy(offset: number, target: Uint8Array): void {
    target.set(this.#bytes.subarray(this.#at + offset, this.#at + offset + target.length));
  }

  #readAround(address: number, length: number): boolean {
    if (this.#windowBytes === 0) return false;
    const start = Math.floor(address / this.#windowBytes) * this.#windowBytes;
    if (address - start + length > this.#windowBytes) return false;
    return this.#read(start, this.#windowBytes, address - start);
  }

  #read(start: number, length: number, at: number): boolean {
    const address = BigInt.asUintN(64, BigInt(start));
    const known = this.#memory.read(address, this.#bytes.subarray(0, length));
    this.#start = start;
    this.#length = known ? length : 0;
    this.#at = at;
    return known;
  }
}
