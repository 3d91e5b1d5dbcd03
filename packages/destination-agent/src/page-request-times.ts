import type { PageSet } from '@pageferry/transfer';

/** Requests that are measured at once: each processor of a guest waits for one page, and a few devices may. */
const MOST_OPEN = 256;

interface OpenRequest {
  readonly first: number;
  readonly end: number;
  /** `performance.now()` */
  readonly at: number;
}

/**
 * How long the guest waits for pages: from QEMU's request until the last page of it has been written to QEMU. A request whose
 * pages are with QEMU already, or on their way to it, is not measured.
 */
export class PageRequestTimes {
  readonly #missing: () => PageSet;
  readonly #tell: (seconds: number) => void;
  readonly #open: OpenRequest[] = [];

  /**
   * @param missing pages that QEMU lacks
   * @param tell hears of each request that is answered
   */
  constructor(missing: () => PageSet, tell: (seconds: number) => void) {
    this.#missing = missing;
    this.#tell = tell;
  }

  begin(first: number, count: number): void {
    const end = first + count;
    if (this.#open.length === MOST_OPEN || this.#has(first, end)) return;
    if (this.#missing().nextSet(first, end) !== -1) this.#open.push({ first, end, at: performance.now() });
  }

  /** Pages that are no longer missing have been given to QEMU, which has them once `written` resolves. */
  follow(written: Promise<void>): void {
    for (let index = this.#open.length - 1; index >= 0; index--) {
      const request = this.#open[index];
      if (request === undefined || this.#missing().nextSet(request.first, request.end) !== -1) continue;
      this.#open.splice(index, 1);
      written.then(
        () => {
          this.#tell((performance.now() - request.at) / 1000);
        },
        // Whoever writes hears of that.
        () => undefined,
      );
    }
  }

  /** QEMU repeats what it asked for when its stream is taken up again. */
  #has(first: number, end: number): boolean {
    return this.#open.some((request) => request.first === first && request.end === end);
  }
}
