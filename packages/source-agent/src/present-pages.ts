import type { MemoryReader } from '@pageferry/qemu';
import { PAGE_SIZE } from '@pageferry/transfer';

export type PresentMemory = Pick<MemoryReader, 'readSync' | 'readPresence'>;

/** Hears of pages one run after the other; `page` is counted from the first one that was asked for. */
export interface PresentRuns {
  /** What the pages have is at the beginning of {@link PresentPages.buffer}, until this returns. */
  readonly present: (page: number, count: number) => void;
  /** Never touched by the guest, they read as zeroes. */
  readonly absent?: (page: number, count: number) => void;
}

/** Reads what a guest has ever touched, and does not bring the rest into being by reading it. */
export class PresentPages {
  readonly buffer: Buffer;
  readonly #presence: Uint8Array;

  /** @param most pages that are read at once */
  constructor(most: number) {
    this.buffer = Buffer.alloc(most * PAGE_SIZE);
    this.#presence = new Uint8Array(most);
  }

  /**
   * @param address of the first page within the block, bytes
   * @param count pages
   * @throws `memory-unreadable`
   */
  read(memory: PresentMemory, block: number, address: number, count: number, runs: PresentRuns): void {
    const presence = this.#presence;
    memory.readPresence(block, address, count, presence);
    for (let from = 0, to = 1; from < count; from = to++) {
      while (to < count && presence[to] === presence[from]) to++;
      if (presence[from] === 0) {
        runs.absent?.(from, to - from);
        continue;
      }
      memory.readSync(block, address + from * PAGE_SIZE, this.buffer, 0, (to - from) * PAGE_SIZE);
      runs.present(from, to - from);
    }
  }
}
