import { ContentStore, PAGE_SIZE } from '@pageferry/transfer';

/** Memory for the contents that shared connections refer to: each takes its part of it until it ends. */
export class SharedContents {
  #freeBytes: number;

  /** @param bytes most that all of them may take together */
  constructor(bytes: number) {
    this.#freeBytes = bytes;
  }

  /** A store for a connection, of what is free; it may have no slots at all. */
  take(): ContentStore {
    const contents = new ContentStore(this.#freeBytes);
    this.#freeBytes -= contents.slots * PAGE_SIZE;
    return contents;
  }

  /** The connection has ended. */
  giveBack(contents: ContentStore): void {
    this.#freeBytes += contents.slots * PAGE_SIZE;
  }
}
