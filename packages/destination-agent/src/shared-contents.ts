import { ContentStore, PAGE_SIZE } from '@pageferry/transfer';

/** Memory for the contents that shared connections refer to: each takes half of what is free until it ends. */
export class SharedContents {
  #freeBytes: number;

  /** @param bytes most that all of them may take together */
  constructor(bytes: number) {
    this.#freeBytes = bytes;
  }

  /** A store for a connection; one that comes later, as in place of one that broke, finds something left, too. */
  take(): ContentStore {
    const contents = new ContentStore(this.#freeBytes / 2);
    this.#freeBytes -= contents.slots * PAGE_SIZE;
    return contents;
  }

  /** The connection has ended. */
  giveBack(contents: ContentStore): void {
    this.#freeBytes += contents.slots * PAGE_SIZE;
  }
}
