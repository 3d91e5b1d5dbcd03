import type { Block } from '@pageferry/transfer';
import type { PageRequestTimes } from './page-request-times.js';
import type { PageWriter } from './page-receiver.js';

/** Writes pages, and tells how long the guest waited for those that it had asked for. */
export class TimedPageWriter implements PageWriter {
  readonly #writer: PageWriter;
  readonly #times: PageRequestTimes;

  constructor(writer: PageWriter, times: PageRequestTimes) {
    this.#writer = writer;
    this.#times = times;
  }

  async writePages(block: Block, records: Buffer, offset: number, count: number): Promise<void> {
    return this.#follow(this.#writer.writePages(block, records, offset, count));
  }

  async writeZeroPages(block: Block, address: number, pages: number): Promise<void> {
    return this.#follow(this.#writer.writeZeroPages(block, address, pages));
  }

  async writePageDeltas(block: Block, records: Buffer, offset: number): Promise<void> {
    return this.#writer.writePageDeltas(block, records, offset);
  }

  async #follow(written: Promise<void>): Promise<void> {
    this.#times.follow(written);
    return written;
  }
}
