import { PageferryError } from '@pageferry/errors';

/** A target page, the unit of QEMU's dirty log and of its migration stream, is 2^12 bytes on x86. */
export const PAGE_SHIFT = 12;

/** Bytes of a target page. */
export const PAGE_SIZE = 4096;

const PAGES_PER_WORD = 32;

/** A RAM block as QEMU describes it. */
export interface BlockShape {
  readonly name: string;
  /** Bytes. */
  readonly length: number;
  /** Bytes of a host page of the block's backend: 4 KiB, 2 MiB or 1 GiB. */
  readonly pageSize: number;
}

/** A RAM block with its place among all pages of the guest. */
export interface Block extends BlockShape {
  /** Position in the layout. */
  readonly index: number;
  /** Page index of the block's first page, a multiple of 32. */
  readonly firstPage: number;
  /** Pages. */
  readonly pageCount: number;
  /** Target pages that make up one host page. */
  readonly pagesPerHostPage: number;
}

/**
 * Gives every page of a guest its page index: one block after the other, in the order given.
 *
 * A block starts at a multiple of 32, a word of a bitmap. At least one index between two blocks belongs
 * to neither, so that a run of consecutive indices never spans two blocks.
 */
export class PageLayout {
  readonly blocks: readonly Block[];
  /** All indices, those that belong to no block included: a multiple of 32. */
  readonly capacity: number;
  /** Pages that exist. */
  readonly pageCount: number;
  /** Bytes of all blocks together. */
  readonly bytes: number;

  readonly #blocksByName: ReadonlyMap<string, Block>;
  #lastFound: Block | undefined;

  /** @throws `qemu-unexpected` with every block that cannot be laid out. */
  constructor(shapes: readonly BlockShape[]) {
    refuseImpossibleShapes(shapes);
    const blocks: Block[] = [];
    let firstPage = 0;
    for (const [index, { name, length, pageSize }] of shapes.entries()) {
      const pageCount = length / PAGE_SIZE;
      blocks.push({
        index,
        name,
        length,
        pageSize,
        firstPage,
        pageCount,
        pagesPerHostPage: pageSize / PAGE_SIZE,
      });
      firstPage = alignUp(firstPage + pageCount + 1, PAGES_PER_WORD);
    }
    this.blocks = blocks;
    this.capacity = firstPage;
    this.pageCount = blocks.reduce((sum, block) => sum + block.pageCount, 0);
    this.bytes = this.pageCount * PAGE_SIZE;
    this.#blocksByName = new Map(blocks.map((block) => [block.name, block]));
  }

  blockNamed(name: string): Block | undefined {
    return this.#blocksByName.get(name);
  }

  /** Whether `page` is the index of a page that exists. */
  holds(page: number): boolean {
    return Number.isInteger(page) && this.#find(page) !== undefined;
  }

  /** @throws RangeError if no page has this index. */
  blockOfPage(page: number): Block {
    const block = this.#find(page);
    if (block === undefined) throw new RangeError(`No RAM block has a page with index ${page}`);
    return block;
  }

  /**
   * Index of the page that starts `address` bytes into `block`.
   *
   * @throws RangeError if no page starts there.
   */
  pageIndex(block: Block, address: number): number {
    if (
      !Number.isSafeInteger(address) ||
      address < 0 ||
      address >= block.length ||
      address % PAGE_SIZE !== 0
    ) {
      throw new RangeError(`No page of RAM block ${block.name} starts at byte ${address}`);
    }
    return block.firstPage + address / PAGE_SIZE;
  }

  /** Bytes into `block` at which its page with index `page` starts. */
  address(block: Block, page: number): number {
    return (page - block.firstPage) * PAGE_SIZE;
  }

  #find(page: number): Block | undefined {
    // Nearly all pages of a guest are in one block, and neighbours are asked for one after the other.
    const last = this.#lastFound;
    if (last !== undefined && page >= last.firstPage && page < last.firstPage + last.pageCount) return last;
    let low = 0;
    let high = this.blocks.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const block = this.blocks[middle];
      if (block === undefined) return undefined;
      if (page < block.firstPage) high = middle - 1;
      else if (page >= block.firstPage + block.pageCount) low = middle + 1;
      else return (this.#lastFound = block);
    }
    return undefined;
  }
}

function refuseImpossibleShapes(shapes: readonly BlockShape[]): void {
  const names = new Set<string>();
  const findings: string[] = [];
  for (const { name, length, pageSize } of shapes) {
    if (names.has(name)) findings.push(`RAM block ${name} appears more than once`);
    names.add(name);
    if (!Number.isSafeInteger(length) || length < 0 || length % PAGE_SIZE !== 0) {
      findings.push(`RAM block ${name} has ${length} bytes, not a multiple of ${PAGE_SIZE}`);
    }
    if (!Number.isSafeInteger(pageSize) || pageSize < PAGE_SIZE || !Number.isInteger(Math.log2(pageSize))) {
      findings.push(
        `RAM block ${name} has host pages of ${pageSize} bytes, not a power of two from ${PAGE_SIZE} up`,
      );
    }
  }
  if (findings.length > 0) throw new PageferryError('qemu-unexpected', findings.join('; '), { findings });
}

function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
