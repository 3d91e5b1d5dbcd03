import { PAGE_BYTES, type GuestMemory, type MemoryRange } from './guest-memory.js';

/** A guest's memory, of which nothing outside of its ranges is ever read, whatever address the guest makes up. */
export class PhysicalMemory {
  readonly ranges: readonly MemoryRange[];
  readonly pageCount: number;
  readonly #memory: GuestMemory;

  /** @throws RangeError if the ranges are not in order, or not of whole pages */
  constructor(memory: GuestMemory) {
    this.#memory = memory;
    this.ranges = memory.ranges.map(({ start, length }) => ({ start, length }));
    let end = 0;
    let pages = 0;
    for (const range of this.ranges) {
      const wholePages = range.start % PAGE_BYTES === 0 && range.length % PAGE_BYTES === 0;
      if (!wholePages || range.length <= 0 || range.start < end) {
        throw new RangeError(`guest-physical range at ${range.start} of ${range.length} bytes`);
      }
      end = range.start + range.length;
      pages += range.length / PAGE_BYTES;
    }
    if (!Number.isSafeInteger(end)) throw new RangeError(`guest-physical address ${end}`);
    this.pageCount = pages;
  }

  /** Fills `target`; false, with `target` in any state, if not all of it is RAM. */
  read(address: number, target: Uint8Array): boolean {
    let done = 0;
    for (const { start, length } of this.ranges) {
      const position = address + done;
      // Also if it is no number.
      if (!(position >= start)) return false;
      if (position >= start + length) continue;
      const count = Math.min(target.length - done, start + length - position);
      this.#memory.read(position, target.subarray(done, done + count));
      done += count;
      if (done === target.length) return true;
    }
    return false;
  }

  /** Which page of the guest's it is, counted over all ranges; -1 if the frame is not RAM. */
  indexOfFrame(frame: number): number {
    const address = frame * PAGE_BYTES;
    let index = 0;
    for (const { start, length } of this.ranges) {
      if (address < start) break;
      if (address < start + length) return index + (address - start) / PAGE_BYTES;
      index += length / PAGE_BYTES;
    }
    return -1;
  }

  /** The guest-physical address of a page by its number among all of the guest's; -1 if there are not so many. */
  addressOfPage(index: number): number {
    let first = 0;
    for (const { start, length } of this.ranges) {
      const pages = length / PAGE_BYTES;
      if (index < first + pages) return start + (index - first) * PAGE_BYTES;
      first += pages;
    }
    return -1;
  }
}
