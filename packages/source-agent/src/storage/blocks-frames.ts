import { PAGE_SIZE, type HashBytes, type PageLayout } from '@pageferry/transfer';
import {
  FrameKind,
  MAX_BLOCK_RECORDS,
  blocksFrameBytes,
  writeBatch,
  writeBlockRecord,
  writeHeader,
} from '@pageferry/wire';
import type { GuestMemory } from '../page-sender.js';
import type { PlacedPages } from './placed-pages.js';

/** Pages that are named together. */
export interface NamedPages extends Pick<PlacedPages, 'pages' | 'offsets' | 'count'> {
  /** The destination's. */
  readonly disk: number;
  readonly batch: number;
}

/** Makes frames that name pages by where they lie on disks, and by the hash of what they have now. */
export class BlocksFrames {
  readonly #layout: PageLayout;
  readonly #memory: GuestMemory;
  readonly #hash: HashBytes;
  readonly #content = Buffer.allocUnsafeSlow(MAX_BLOCK_RECORDS * PAGE_SIZE);

  constructor(layout: PageLayout, memory: GuestMemory, hash: HashBytes) {
    this.#layout = layout;
    this.#memory = memory;
    this.#hash = hash;
  }

  /** @param hashed hears of the hash of each page */
  make(
    { disk, batch, pages, offsets, count }: NamedPages,
    hashed: (page: number, hash: bigint) => void,
  ): Buffer {
    const block = this.#layout.blockOfPage(pages[0] ?? 0);
    const frame = Buffer.allocUnsafe(blocksFrameBytes(count));
    writeHeader(frame, { kind: FrameKind.blocks, sequence: 0, block: block.index, count });
    writeBatch(frame, disk, batch);
    this.#read(block.index, block.firstPage, pages, count);
    for (let index = 0; index < count; index++) {
      const page = pages[index] ?? 0;
      const hash = this.#hash(this.#content.subarray(index * PAGE_SIZE, (index + 1) * PAGE_SIZE));
      hashed(page, hash);
      writeBlockRecord(frame, index, (page - block.firstPage) * PAGE_SIZE, offsets[index] ?? 0, hash);
    }
    return frame;
  }

  /** Of what the page has now. */
  hashOf(page: number): bigint {
    const block = this.#layout.blockOfPage(page);
    this.#memory.readSync(block.index, this.#layout.address(block, page), this.#content, 0, PAGE_SIZE);
    return this.#hash(this.#content.subarray(0, PAGE_SIZE));
  }

  /** Reads neighbours together. */
  #read(block: number, firstPage: number, pages: Uint32Array, count: number): void {
    for (let from = 0, to = 1; from < count; from = to++) {
      const page = pages[from] ?? 0;
      while (to < count && pages[to] === page + to - from) to++;
      const address = (page - firstPage) * PAGE_SIZE;
      this.#memory.readSync(block, address, this.#content, from * PAGE_SIZE, (to - from) * PAGE_SIZE);
    }
  }
}
