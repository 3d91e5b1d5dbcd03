import { PageferryError } from '@pageferry/errors';
import { PAGE_SIZE, PageSet, type Block, type PageLayout } from '@pageferry/transfer';
import {
  ADDRESS_BYTES,
  HEADER_BYTES,
  MAX_BLOCK_RECORDS,
  MAX_UNSETTLED_PAGES,
  PAGE_RECORD_BYTES,
  batchDisk,
  batchNumber,
  blockHash,
  blockOffset,
  blockPageAddress,
  checkBlocksFrame,
  recordAt,
  writeAddress,
  type FrameHeader,
} from '@pageferry/wire';
import type { BlockSink, SharedDisks } from './shared-disks.js';

/** Restored pages that are given to QEMU at once. */
const PAGES_A_WRITE = 64;
/** Writes of restored pages that QEMU has not taken yet: 2 MiB; the disks are not read meanwhile. */
const MOST_WRITES = 8;

/** Pages that the source has named together, of one RAM block. */
interface Batch {
  readonly block: Block;
  unsettled: number;
  /** Page indices. */
  readonly failed: number[];
}

/** Where blocks are wanted from. */
export type WantedBlocks = Pick<SharedDisks, 'hash' | 'lengths' | 'deliverTo' | 'want'>;

export interface StorageRestoreOptions {
  readonly layout: PageLayout;
  /** What pages are restored from, by the numbers that the source knows them by. */
  readonly disks: WantedBlocks;
  /** Gives QEMU so many pages: records of a `pages` frame, behind room for its header. */
  readonly place: (block: Block, pages: Buffer, count: number) => Promise<void>;
  /** All pages of a batch are settled. These of them the source has to send; ascending page indices. */
  readonly settled: (batch: number, block: Block, failed: readonly number[]) => void;
}

/**
 * Restores pages from disks that both hosts share (Akiyama et al., CLOUD 2014). A page is restored if the block that the source
 * names has what the page had there, by its hash, and no content of it has come from the source since.
 */
export class StorageRestore implements BlockSink {
  readonly #layout: PageLayout;
  readonly #disks: WantedBlocks;
  readonly #place: StorageRestoreOptions['place'];
  readonly #settled: StorageRestoreOptions['settled'];
  /** Pages that are to be restored. */
  readonly #restoring: PageSet;
  readonly #batches = new Map<number, Batch>();
  /** By slots, one for each block that is wanted of a disk: the page, its hash, and its batch. */
  readonly #pages = new Uint32Array(MAX_UNSETTLED_PAGES);
  readonly #hashes = new BigUint64Array(MAX_UNSETTLED_PAGES);
  readonly #batchOf = new Uint32Array(MAX_UNSETTLED_PAGES);
  readonly #freeSlots = Uint32Array.from({ length: MAX_UNSETTLED_PAGES }, (_, slot) => slot);
  #freeCount = MAX_UNSETTLED_PAGES;
  /** Of the batch that is taken in. */
  readonly #slots = new Uint32Array(MAX_BLOCK_RECORDS);
  readonly #offsets = new Float64Array(MAX_BLOCK_RECORDS);
  /** Pages that have been read and not yet given to QEMU: only within one turn. */
  #open = recordBuffer();
  #openBlock: Block | undefined;
  #openCount = 0;
  readonly #free: Buffer[] = [];
  #writes = 0;
  #written: Promise<void> = Promise.resolve();

  constructor({ layout, disks, place, settled }: StorageRestoreOptions) {
    this.#layout = layout;
    this.#disks = disks;
    this.#place = place;
    this.#settled = settled;
    this.#restoring = new PageSet(layout);
    disks.deliverTo(this);
  }

  /** Takes a `blocks` frame. Error: `protocol-violation`. */
  take(frame: Buffer, header: FrameHeader, block: Block): void {
    const { count } = header;
    checkBlocksFrame(frame, header, block.length, this.#disks.lengths);
    const number = batchNumber(frame);
    if (count > this.#freeCount || this.#batches.has(number)) {
      throw new PageferryError(
        'protocol-violation',
        `the source has more than ${MAX_UNSETTLED_PAGES} pages restored at once`,
      );
    }
    for (let index = 0; index < count; index++) {
      const page = block.firstPage + blockPageAddress(frame, index) / PAGE_SIZE;
      if (this.#restoring.has(page)) {
        throw new PageferryError('protocol-violation', 'the source has a page restored twice at once');
      }
      const slot = this.#freeSlots[--this.#freeCount] ?? 0;
      this.#restoring.add(page);
      this.#pages[slot] = page;
      this.#hashes[slot] = blockHash(frame, index);
      this.#batchOf[slot] = number;
      this.#slots[index] = slot;
      this.#offsets[index] = blockOffset(frame, index);
    }
    this.#batches.set(number, { block, unsettled: count, failed: [] });
    this.#disks.want(batchDisk(frame), this.#slots, this.#offsets, count);
  }

  /** Whether pages are to be restored. */
  get isBusy(): boolean {
    return this.#restoring.count > 0;
  }

  /** The source has sent these pages since: what the disks have of them is not wanted any more. */
  superseded(first: number, count: number): void {
    if (this.isBusy) this.#restoring.deleteRange(first, count);
  }

  /** Nothing of what was named until now is restored any more, and nothing is said about it. */
  dropAll(): void {
    this.#restoring.clear();
    this.#batches.clear();
  }

  block(slot: number, buffer: Buffer, offset: number): void {
    const batch = this.#release(slot);
    if (batch === undefined) return;
    const page = this.#pages[slot] ?? 0;
    let isDone = true;
    if (this.#restoring.has(page)) {
      this.#restoring.delete(page);
      isDone = this.#disks.hash(buffer.subarray(offset, offset + PAGE_SIZE)) === this.#hashes[slot];
      if (isDone) this.#add(page, buffer, offset);
    }
    this.#settle(slot, batch, isDone);
  }

  unreadable(slot: number): void {
    const batch = this.#release(slot);
    if (batch === undefined) return;
    const page = this.#pages[slot] ?? 0;
    const isWanted = this.#restoring.has(page);
    this.#restoring.delete(page);
    this.#settle(slot, batch, !isWanted);
  }

  blocksEnd(): Promise<void> | undefined {
    this.#flush();
    return this.#writes < MOST_WRITES ? undefined : this.#written;
  }

  #add(page: number, buffer: Buffer, offset: number): void {
    const block = this.#layout.blockOfPage(page);
    if (this.#openBlock !== block || this.#openCount === PAGES_A_WRITE) this.#flush();
    this.#openBlock = block;
    const record = recordAt(this.#openCount++);
    writeAddress(this.#open, record, this.#layout.address(block, page));
    buffer.copy(this.#open, record + ADDRESS_BYTES, offset, offset + PAGE_SIZE);
  }

  #flush(): void {
    const pages = this.#open;
    const block = this.#openBlock;
    if (block === undefined || this.#openCount === 0) return;
    const written = this.#place(block, pages, this.#openCount);
    this.#openCount = 0;
    this.#open = this.#free.pop() ?? recordBuffer();
    this.#writes++;
    this.#written = written
      // A failure of QEMU's is reported by its session.
      .catch(() => undefined)
      .then(() => {
        this.#writes--;
        this.#free.push(pages);
      });
  }

  /** Its batch; undefined if that was dropped: a page of it may be wanted anew, as something else. */
  #release(slot: number): Batch | undefined {
    this.#freeSlots[this.#freeCount++] = slot;
    return this.#batches.get(this.#batchOf[slot] ?? 0);
  }

  #settle(slot: number, batch: Batch, isDone: boolean): void {
    if (!isDone) batch.failed.push(this.#pages[slot] ?? 0);
    if (--batch.unsettled > 0) return;
    const number = this.#batchOf[slot] ?? 0;
    this.#batches.delete(number);
    this.#settled(
      number,
      batch.block,
      batch.failed.sort((one, other) => one - other),
    );
  }
}

const recordBuffer = (): Buffer => Buffer.allocUnsafeSlow(HEADER_BYTES + PAGES_A_WRITE * PAGE_RECORD_BYTES);
