import type { WritePlan } from '../../guests/workload.js';
import { writerLoad } from '../writer-load.js';
import type { Load } from '../load.js';

/** A guest that rewrites one part of its memory fast, and the rest slowly. */
export interface HotSet {
  readonly hotMiB: number;
  /** 10^6 bytes of whole pages. */
  readonly hotMegabytesPerSecond: number;
  readonly extent: 'whole' | 'words';
}

const fillMiB = 384;
const slowMegabytesPerSecond = 1.5;

const inWords = { whole: 'as a whole', words: 'in 10 of its 512 words' } as const;

export function hotSetLoad({ hotMiB, hotMegabytesPerSecond, extent }: HotSet): Load {
  const hotPercent = (hotMiB / fillMiB) * 100;
  const rate = hotMegabytesPerSecond.toFixed(0);
  const plans: readonly WritePlan[] = [
    // Round and round, as programs rewrite their buffers. For writes at random there is `zipf`.
    { megabytesPerSecond: hotMegabytesPerSecond, sizePercent: hotPercent, pattern: 'sequential', extent },
    { megabytesPerSecond: slowMegabytesPerSecond, startPercent: hotPercent, extent },
  ];
  return writerLoad({
    description:
      `${fillMiB} MiB of incompressible pages. Of ${hotMiB.toFixed(0)} MiB of them, pages that come to ${rate} MB/s are ` +
      `rewritten, round and round, and of the rest such that come to ${slowMegabytesPerSecond} MB/s, at random; each page ` +
      inWords[extent],
    fillMiB,
    plans,
  });
}
