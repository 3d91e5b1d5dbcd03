import type { Kernel } from '../kernel/open-kernel.js';
import { PAGE_BYTES } from '../memory/guest-memory.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { Unsupported } from '../unsupported.js';
import { PageArray } from './page-array.js';

/** Pages that are looked at at once: 512 KiB of structures at most. No free block is longer, or lies in two such pieces. */
export const MOST_PIECE_PAGES = 8192;

/** Consecutive pages of one section of memory. */
export interface PagePiece {
  readonly frame: number;
  readonly count: number;
  /** The place of the first one among all pages of the guest. */
  readonly index: number;
  /** Where their `struct page`s are. */
  readonly array: PageArray;
}

/** All pages of which there are `struct page`s, from the lowest on. Throws {@link Unsupported} if there are none. */
export function* pagePieces(physical: PhysicalMemory, kernel: Kernel): Generator<PagePiece> {
  const { page: layout, sections, memory } = kernel;
  let array: PageArray | undefined;
  let index = 0;
  for (const { start, length } of physical.ranges) {
    const end = (start + length) / PAGE_BYTES;
    for (let frame = start / PAGE_BYTES; frame < end;) {
      const leftInSection = sections.framesPerSection - (frame % sections.framesPerSection);
      const leftInPiece = MOST_PIECE_PAGES - (frame % MOST_PIECE_PAGES);
      const count = Math.min(leftInPiece, end - frame, leftInSection);
      const base = sections.pageArrayOf(Math.floor(frame / sections.framesPerSection));
      if (base !== undefined) {
        array ??= new PageArray(memory, base, layout.words * 4);
        if (array.base !== base) throw new Unsupported('the sections of memory have several page arrays');
        yield { frame, count, index, array };
      }
      frame += count;
      index += count;
    }
  }
  if (array === undefined) throw new Unsupported('no section of memory has pages');
}
