import { RECORD_BYTES } from '@pageferry/qemu';
import type { ContentStore } from '@pageferry/transfer';
import { HEADER_BYTES, MAX_REFERENCES } from '@pageferry/wire';

/** 32 MiB: as much as four windows of references. */
const MOST_FREE_BUFFERS = 32;

/** What the migrations over one connection share: contents that are kept, and buffers for the pages that references stand for. */
export class ConnectionContents {
  readonly store: ContentStore;
  /** The one that was used last is the next one: what it takes of memory has been touched already. */
  readonly #free: Buffer[] = [];

  constructor(store: ContentStore) {
    this.store = store;
  }

  /** A buffer for {@link MAX_REFERENCES} records of pages, with room for a header; to be given back. */
  takeBuffer(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(HEADER_BYTES + MAX_REFERENCES * RECORD_BYTES);
  }

  giveBack(buffer: Buffer): void {
    if (this.#free.length < MOST_FREE_BUFFERS) this.#free.push(buffer);
  }
}
