import { expect } from 'vitest';
import { PAGE_SIZE, type Block, type PageLayout } from '@pageferry/transfer';
import type { MemoryReader } from '../../src/memory/memory-reader.js';

const RECORD_BYTES = 8 + PAGE_SIZE;

/** What every RAM block of a QEMU is to hold, byte for byte. */
export class ShadowMemory {
  readonly layout: PageLayout;
  readonly #contents: readonly Buffer[];

  /** All zero. */
  constructor(layout: PageLayout) {
    this.layout = layout;
    this.#contents = layout.blocks.map(({ length }) => Buffer.alloc(length));
  }

  /** Takes what is there now. */
  copyFrom(reader: MemoryReader): void {
    for (const [index, content] of this.#contents.entries()) {
      reader.readSync(index, 0, content, 0, content.length);
    }
  }

  /** The bytes of a page, to be read or written. */
  page(page: number): Buffer {
    const block = this.layout.blockOfPage(page);
    const address = this.layout.address(block, page);
    return this.#content(block).subarray(address, address + PAGE_SIZE);
  }

  /** Page records of the block, in the order of the pages: u64 address, then the page. */
  records(block: Block, pages: readonly number[]): Buffer {
    const records = Buffer.alloc(pages.length * RECORD_BYTES);
    for (const [index, page] of pages.entries()) {
      records.writeBigUInt64BE(BigInt(this.layout.address(block, page)), index * RECORD_BYTES);
      records.set(this.page(page), index * RECORD_BYTES + 8);
    }
    return records;
  }

  /** The pages in which a QEMU's memory is another: `block:address`, at most some of each block. */
  differences(reader: MemoryReader): string[] {
    return this.layout.blocks.flatMap((block) => {
      const found = Buffer.alloc(block.length);
      reader.readSync(block.index, 0, found, 0, found.length);
      const expected = this.#content(block);
      if (found.equals(expected)) return [];
      return Array.from({ length: block.pageCount }, (_, page) => page * PAGE_SIZE)
        .filter((at) => found.compare(expected, at, at + PAGE_SIZE, at, at + PAGE_SIZE) !== 0)
        .slice(0, 10)
        .map((at) => `${block.name}:${at}`);
    });
  }

  expectIn(reader: MemoryReader): void {
    expect(this.differences(reader)).toEqual([]);
  }

  #content(block: Block): Buffer {
    const content = this.#contents[block.index];
    if (content === undefined) throw new Error(`there is no shadow of ${block.name}`);
    return content;
  }
}
