import type { Kernel } from '../kernel/open-kernel.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { LIST_HEAD_BYTES } from '../kernel/zones.js';
import { isUnused } from './classify-pages.js';
import { Turns } from '../turns.js';
import type { PageArray } from './page-array.js';
import { pageClass } from './page-class.js';

/** A guest that has more lists keeps what is on the rest: it counts as its kernel's. */
const MOST_LISTS = 2 ** 17;
const PAGES_AT_ONCE = 512;

/**
 * Marks the free pages that the processors keep for themselves: they look like pages that the kernel uses, but for the
 * list that they are on.
 */
export async function markPerCpuPages(
  physical: PhysicalMemory,
  kernel: Kernel,
  array: PageArray,
  classes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { page: layout, memory } = kernel;
  const bytes = new Uint8Array(layout.words * 4);
  const words = new Uint32Array(bytes.buffer);
  const lruOffset = BigInt(layout.lru * 4);

  const mark = (frame: number): void => {
    const index = physical.indexOfFrame(frame);
    if (index < 0 || classes[index] !== pageClass.kernel) return;
    array.read(frame, bytes);
    if (isUnused(layout, words, 0)) classes[index] = pageClass.free;
  };

  const orders = kernel.zones.listOrders();
  // No page is on two lists.
  let pagesLeft = physical.pageCount;
  let listsLeft = MOST_LISTS;
  let turnAt = pagesLeft - PAGES_AT_ONCE;
  const turns = new Turns(signal);
  for (const { count, lists } of kernel.zones.perCpuPages()) {
    for (const [list, order] of (count > 0 ? orders : []).entries()) {
      if (--listsLeft < 0) return;
      const address = lists + BigInt(list * LIST_HEAD_BYTES);
      const blockPages = 2 ** order;
      let next = memory.readU64(address);
      for (let seen = 0; next !== undefined && next !== address && seen < count; seen += blockPages) {
        const page = next - lruOffset;
        const frame = array.frameOf(Number(BigInt.asUintN(32, page)), Number(page >> 32n));
        pagesLeft -= blockPages;
        if (pagesLeft < 0) return;
        if (frame === undefined || frame % blockPages !== 0) break;
        for (let part = 0; part < blockPages; part++) mark(frame + part);
        next = memory.readU64(next);
        if (pagesLeft > turnAt) continue;
        turnAt = pagesLeft - PAGES_AT_ONCE;
        await turns.next();
      }
    }
  }
}
