import { PageferryError } from '@pageferry/errors';
import { PAGE_SIZE, PageLayout, type BlockShape } from '@pageferry/transfer';
import type { LookedAtGuest } from '../../src/preparation/page-look.js';

/** A guest's memory, of which some pages were never touched, and which a test may take away. */
export class LookedAtMemory implements LookedAtGuest {
  readonly layout: PageLayout;
  readonly firstPage: number;
  readonly lost: string[] = [];
  isGone = false;
  /** Pages that were read, in their order, by their number among those of all guests. */
  readonly read: number[] = [];
  readonly #pages = new Map<number, Uint8Array>();

  constructor(shapes: readonly BlockShape[], firstPage = 0) {
    this.layout = new PageLayout(shapes);
    this.firstPage = firstPage;
  }

  readonly onLost = (reason: string): void => {
    this.lost.push(reason);
  };

  /** @param page in the layout; without content it is as if it had never been touched */
  write(page: number, content: Uint8Array | undefined): void {
    if (content === undefined) this.#pages.delete(page);
    else this.#pages.set(page, content);
  }

  get memory(): LookedAtGuest['memory'] {
    return {
      readSync: (block, address, target, offset, length) => {
        this.#refuseGone();
        const first = this.#page(block, address);
        for (let page = 0; page < length / PAGE_SIZE; page++) {
          this.read.push(this.firstPage + first + page);
          target.set(this.#pages.get(first + page) ?? new Uint8Array(PAGE_SIZE), offset + page * PAGE_SIZE);
        }
      },
      readPresence: (block, address, count, target) => {
        this.#refuseGone();
        const first = this.#page(block, address);
        for (let page = 0; page < count; page++) target[page] = this.#pages.has(first + page) ? 1 : 0;
      },
    };
  }

  #page(block: number, address: number): number {
    const found = this.layout.blocks[block];
    if (found === undefined) throw new RangeError(`there is no block ${block}`);
    return this.layout.pageIndex(found, address);
  }

  #refuseGone(): void {
    if (this.isGone) throw new PageferryError('memory-unreadable', 'QEMU is gone');
  }
}
