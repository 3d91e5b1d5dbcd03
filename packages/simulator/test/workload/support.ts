import { PAGE_SIZE, PageLayout, PageSet } from '@pageferry/transfer';
import type { Workload } from '../../src/index.js';

export function emptySet(pages: number): PageSet {
  return new PageSet(new PageLayout([{ name: 'ram', length: pages * PAGE_SIZE, pageSize: PAGE_SIZE }]));
}

/** What a workload writes from one moment to the next. */
export function written(workload: Workload, pages: number, fromMs: number, toMs: number): PageSet {
  const dirtied = emptySet(pages);
  workload.write(dirtied, fromMs, toMs);
  return dirtied;
}
