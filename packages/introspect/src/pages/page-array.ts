import { PAGE_BYTES } from '../memory/guest-memory.js';
import type { VirtualMemory } from '../memory/virtual-memory.js';

/** The kernel's array of `struct page`, contiguous in its virtual memory. */
export class PageArray {
  readonly base: bigint;
  readonly #memory: VirtualMemory;
  readonly #structBytes: number;
  readonly #baseLow: number;
  readonly #baseHigh: number;

  /** @param base where the structure of frame 0 is, or would be */
  constructor(memory: VirtualMemory, base: bigint, structBytes: number) {
    this.base = base;
    this.#memory = memory;
    this.#structBytes = structBytes;
    this.#baseLow = Number(BigInt.asUintN(32, base));
    this.#baseHigh = Number(base >> 32n);
  }

  /** Reads the structures of consecutive frames; what is not there becomes zero, which no page in use is. */
  read(frame: number, target: Uint8Array): void {
    const address = this.base + BigInt(frame * this.#structBytes);
    if (this.#memory.read(address, target)) return;
    // Parts of a section may be missing.
    for (let done = 0; done < target.length;) {
      const position = address + BigInt(done);
      const room = PAGE_BYTES - Number(position % BigInt(PAGE_BYTES));
      const part = target.subarray(done, done + room);
      if (!this.#memory.read(position, part)) part.fill(0);
      done += part.length;
    }
  }

  /** The frame of the `struct page` at an address, in two words; undefined if there can be none. */
  frameOf(low: number, high: number): number | undefined {
    const frame = ((high - this.#baseHigh) * 2 ** 32 + (low - this.#baseLow)) / this.#structBytes;
    return Number.isSafeInteger(frame) && frame >= 0 ? frame : undefined;
  }
}
