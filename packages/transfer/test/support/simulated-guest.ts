import { PAGE_SIZE, PageLayout, type PageSet } from '../../src/index.js';
import { seededRandom } from '../../../simulator/src/random.js';

/** Marks as dirtied what a guest writes from one moment to the next, ms. */
export type Writer = (dirtied: PageSet, fromMs: number, toMs: number) => void;

export function flatLayout(pages: number): PageLayout {
  return new PageLayout([{ name: 'ram', length: pages * PAGE_SIZE, pageSize: PAGE_SIZE }]);
}

/** Pages of a range that a writer touches a second, each write a page. */
export interface WriterShape {
  readonly first: number;
  readonly pages: number;
  readonly pagesPerSecond: number;
}

/** Writes due until `ms`: whole ones, so that no part of one is lost between two looks. */
function writesUntil(ms: number, pagesPerSecond: number): number {
  return Math.floor((ms * pagesPerSecond) / 1000);
}

/** Each write goes to any page of the range. */
export function randomWriter({ first, pages, pagesPerSecond }: WriterShape, seed = 1): Writer {
  const random = seededRandom(seed);
  return (dirtied, fromMs, toMs) => {
    const end = writesUntil(toMs, pagesPerSecond);
    for (let write = writesUntil(fromMs, pagesPerSecond); write < end; write++) {
      dirtied.add(first + Math.floor(random() * pages));
    }
  };
}

/** Goes through the range from its first page to its last one, again and again. */
export function cyclicWriter({ first, pages, pagesPerSecond }: WriterShape): Writer {
  return (dirtied, fromMs, toMs) => {
    const end = writesUntil(toMs, pagesPerSecond);
    for (let write = writesUntil(fromMs, pagesPerSecond); write < end; write++) {
      dirtied.add(first + (write % pages));
    }
  };
}

/** Lets the writer write for `onMs` in every `onMs + offMs`. */
export function inBursts(writer: Writer, { onMs, offMs }: { onMs: number; offMs: number }): Writer {
  const period = onMs + offMs;
  return (dirtied, fromMs, toMs) => {
    for (let begin = Math.floor(fromMs / period) * period; begin < toMs; begin += period) {
      const from = Math.max(fromMs, begin);
      const to = Math.min(toMs, begin + onMs);
      if (from < to) writer(dirtied, from, to);
    }
  };
}

export const idle: Writer = () => undefined;
