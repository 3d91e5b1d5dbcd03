import type { FirstPassSink, MemoryReader } from '@pageferry/qemu';
import { PAGE_SIZE, type PageLayout, PageSet } from '@pageferry/transfer';

/** Pages read at once, at most. */
const LONGEST_RUN = 256;

/** What a destination would have, had it got just what the dirty log names. */
export class ShadowMemory {
  readonly #layout: PageLayout;
  readonly #contents: readonly Buffer[];
  /** Pages of which the first pass has not brought the content. */
  readonly missing: PageSet;

  constructor(layout: PageLayout) {
    this.#layout = layout;
    // Whatever is named by nobody differs from everything.
    this.#contents = layout.blocks.map(({ length }) => Buffer.alloc(length, 0xee));
    this.missing = new PageSet(layout);
    this.missing.fill();
  }

  /** Takes the content of the first pass. */
  firstPassSink(): FirstPassSink {
    const content = (block: number): Buffer => this.#content(block);
    const found = (block: number, address: number): void => {
      this.missing.delete((this.#layout.blocks[block]?.firstPage ?? 0) + address / PAGE_SIZE);
    };
    let target = content(0);
    return {
      get target() {
        return target;
      },
      page: (block, address) => {
        target = content(block);
        found(block, address);
        return address;
      },
      zero: (block, address) => {
        content(block).fill(0, address, address + PAGE_SIZE);
        found(block, address);
      },
      ready: () => undefined,
      enough: () => false,
    };
  }

  /** Reads these pages anew. */
  update(reader: MemoryReader, pages: PageSet): void {
    pages.forEachRun((first, count) => {
      const block = this.#layout.blockOfPage(first);
      const address = this.#layout.address(block, first);
      reader.readSync(block.index, address, this.#content(block.index), address, count * PAGE_SIZE);
    }, LONGEST_RUN);
  }

  /** The pages in which the guest's memory is another, as `block:address`. */
  differences(reader: MemoryReader): string[] {
    const page = Buffer.alloc(PAGE_SIZE);
    return this.#layout.blocks.flatMap((block) => {
      const shadow = this.#content(block.index);
      const found: string[] = [];
      for (let address = 0; address < block.length; address += PAGE_SIZE) {
        reader.readSync(block.index, address, page, 0, PAGE_SIZE);
        if (page.compare(shadow, address, address + PAGE_SIZE) !== 0) found.push(`${block.name}:${address}`);
      }
      return found;
    });
  }

  #content(block: number): Buffer {
    const content = this.#contents[block];
    if (content === undefined) throw new Error(`there is no RAM block ${block}`);
    return content;
  }
}
