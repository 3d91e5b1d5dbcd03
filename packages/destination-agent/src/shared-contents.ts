import { ContentStore, PAGE_SIZE } from '@pageferry/transfer';
import { ConnectionContents } from './connection-contents.js';

/** Memory for the contents that shared connections refer to: each takes half of what is free until it ends. */
export class SharedContents {
  #freeBytes: number;

  /** @param bytes most that all of them may take together */
  constructor(bytes: number) {
    this.#freeBytes = bytes;
  }

  /** A store for a connection; one that comes later, as in place of one that broke, finds something left, too. */
  take(): ConnectionContents {
    const store = new ContentStore(this.#freeBytes / 2);
    this.#freeBytes -= store.slots * PAGE_SIZE;
    return new ConnectionContents(store);
  }

  /** The connection has ended. */
  giveBack({ store }: ConnectionContents): void {
    this.#freeBytes += store.slots * PAGE_SIZE;
  }
}
