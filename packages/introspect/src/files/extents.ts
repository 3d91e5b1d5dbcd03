import { PAGE_BYTES } from '../memory/guest-memory.js';

/** What {@link Extents.locate} answers in place of a position. */
export const notFound = -1;
/** Of blocks that are smaller than a page: they are not next to each other on the disk. */
export const scattered = -2;

/** Pieces of a file that lie in one piece on a disk, in ascending order, in blocks. */
export class Extents {
  #starts: Float64Array = new Float64Array(64);
  #lengths: Float64Array = new Float64Array(64);
  #blocks: Float64Array = new Float64Array(64);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
  }

  /**
   * @param start in the file
   * @param block where it begins in the file system
   * @returns false if it is not behind all that were added before
   */
  add(start: number, length: number, block: number): boolean {
    const last = this.#count - 1;
    const end = last < 0 ? 0 : (this.#starts[last] ?? 0) + (this.#lengths[last] ?? 0);
    if (!(start >= end && length > 0)) return false;
    if (this.#count === this.#starts.length) this.#grow();
    this.#starts[this.#count] = start;
    this.#lengths[this.#count] = length;
    this.#blocks[this.#count] = block;
    this.#count += 1;
    return true;
  }

  /** Where in the file system the file's page is, in bytes; or {@link notFound}, or {@link scattered}. */
  locate(index: number, blockBytes: number): number {
    const position = index * PAGE_BYTES;
    const wanted = Math.floor(position / blockBytes);
    let extent = this.#find(wanted);
    if (extent === -1) return notFound;
    const block = this.#blockAt(extent, wanted);
    const behind = Math.ceil((position + PAGE_BYTES) / blockBytes);
    for (let end = this.#end(extent); end < behind; end = this.#end(extent)) {
      extent += 1;
      const goesOn = extent < this.#count && this.#starts[extent] === end;
      if (!goesOn || this.#blocks[extent] !== block + end - wanted) return scattered;
    }
    return block * blockBytes + (position % blockBytes);
  }

  #find(block: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#end(middle) <= block) low = middle + 1;
      else high = middle;
    }
    return low < this.#count && (this.#starts[low] ?? 0) <= block ? low : -1;
  }

  #end(extent: number): number {
    return (this.#starts[extent] ?? 0) + (this.#lengths[extent] ?? 0);
  }

  #blockAt(extent: number, block: number): number {
    return (this.#blocks[extent] ?? 0) + block - (this.#starts[extent] ?? 0);
  }

  #grow(): void {
    const longer = (values: Float64Array): Float64Array => {
      const result = new Float64Array(values.length * 2);
      result.set(values);
      return result;
    };
    this.#starts = longer(this.#starts);
    this.#lengths = longer(this.#lengths);
    this.#blocks = longer(this.#blocks);
  }
}
