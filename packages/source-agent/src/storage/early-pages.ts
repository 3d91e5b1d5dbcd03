/** That may be named before QEMU's first pass has come to them. */
const MOST_PAGES = 65_536;

/** Pages that may change after they were named without the log saying so, with the hashes of what they had. */
export class EarlyPages {
  readonly #hashes = new Map<number, bigint>();
  /** Whether the log does not yet say what becomes of a page. */
  isEarly: (page: number) => boolean = () => false;

  has(page: number): boolean {
    return this.#hashes.has(page);
  }

  /** Whether a page may be named: `more` are about to be. */
  hasRoom(page: number, more: number): boolean {
    return this.#hashes.size + more < MOST_PAGES || !this.isEarly(page);
  }

  readonly named = (page: number, hash: bigint): void => {
    if (this.isEarly(page)) this.#hashes.set(page, hash);
  };

  /** Forgets a page, and answers what it had. */
  take(page: number): bigint | undefined {
    const hash = this.#hashes.get(page);
    this.#hashes.delete(page);
    return hash;
  }

  clear(): void {
    this.#hashes.clear();
  }
}
