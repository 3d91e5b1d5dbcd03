import type { PageSet } from '@pageferry/transfer';
import type { Look, Trace } from '../trace/trace.js';
import type { Workload } from './workload.js';

/**
 * What a guest was seen to write, again and again. Within a look at its dirty log nobody knows when a page was written:
 * each gets a moment by a hash, always the same one.
 */
export class Recorded implements Workload {
  readonly #trace: Trace;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  write(dirtied: PageSet, fromMs: number, toMs: number): void {
    const { durationMs } = this.#trace;
    for (let begin = Math.floor(fromMs / durationMs) * durationMs; begin < toMs; begin += durationMs) {
      this.#writeRound(dirtied, Math.max(fromMs - begin, 0), Math.min(toMs - begin, durationMs));
      // Another whole round has nothing to add.
      if (begin + durationMs < toMs - durationMs && begin > fromMs) return;
    }
  }

  #writeRound(dirtied: PageSet, fromMs: number, toMs: number): void {
    const { looks } = this.#trace;
    for (let index = this.#lookAt(fromMs); index < looks.length; index++) {
      const look = looks[index];
      if (look === undefined || look.beginMs >= toMs) return;
      this.#writeLook(dirtied, look, fromMs, toMs);
    }
  }

  #writeLook(dirtied: PageSet, look: Look, fromMs: number, toMs: number): void {
    const { beginMs, endMs } = look;
    if (fromMs <= beginMs && toMs >= endMs) {
      this.#trace.forEachRun(look, (first, count) => {
        dirtied.addRange(first, count);
      });
      return;
    }
    const from = (fromMs - beginMs) / (endMs - beginMs);
    const to = (toMs - beginMs) / (endMs - beginMs);
    this.#trace.forEachRun(look, (first, count) => {
      for (let page = first; page < first + count; page++) {
        const moment = hash(page);
        if (moment >= from && moment < to) dirtied.add(page);
      }
    });
  }

  /** The first look that ends after a moment. */
  #lookAt(ms: number): number {
    const { looks } = this.#trace;
    let low = 0;
    let high = looks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((looks[middle]?.endMs ?? Infinity) > ms) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** From 0 up to 1. */
function hash(page: number): number {
  let mixed = Math.imul(page ^ (page >>> 16), 0x45d9f3b);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}
