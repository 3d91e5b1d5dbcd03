import type { Kernel } from '../kernel/open-kernel.js';
import { PAGE_BYTES } from '../memory/guest-memory.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { classifyPages } from './classify-pages.js';
import { PageArray } from './page-array.js';
import { pageClass } from './page-class.js';

export interface FreePageCheck {
  /** Whether the guest may have written to the page at this place since before the pages were classified. */
  readonly isWritten: (place: number) => boolean;
  /** The page at this place is not free any more. */
  readonly onTaken: (place: number) => void;
}

/**
 * Takes the class `free` from pages that may have been taken since they were classified. Looks again only at groups of pages whose
 * descriptions the guest may have written to: whoever takes a page, or a block, writes to its description first.
 *
 * A group is as long as the longest free block, which begins at a multiple of its length: a block is in one group.
 * @param classes of all pages; changed in place
 */
export function recheckFreePages(
  physical: PhysicalMemory,
  kernel: Kernel,
  classes: Uint8Array,
  { isWritten, onTaken }: FreePageCheck,
): void {
  const { page: layout, sections, memory } = kernel;
  const groupFrames = 2 ** (layout.orders - 1);
  const structBytes = layout.words * 4;
  const bytes = new Uint8Array(groupFrames * structBytes);
  const words = new Uint32Array(bytes.buffer);
  const now = new Uint8Array(groupFrames);

  const isGroupWritten = (address: bigint, length: number): boolean => {
    for (let done = 0; done < length;) {
      const mapping = memory.translate(address + BigInt(done));
      if (mapping === undefined) return true;
      const count = Math.min(mapping.length, length - done);
      const last = Math.floor((mapping.physical + count - 1) / PAGE_BYTES);
      for (let frame = Math.floor(mapping.physical / PAGE_BYTES); frame <= last; frame++) {
        const place = physical.indexOfFrame(frame);
        if (place < 0 || isWritten(place)) return true;
      }
      done += count;
    }
    return false;
  };

  const lookAgain = (base: bigint | undefined, frame: number, count: number, index: number): void => {
    now.fill(pageClass.kernel);
    if (base !== undefined) {
      const array = new PageArray(memory, base, structBytes);
      array.read(frame, bytes.subarray(0, count * structBytes));
      // What belongs to a compound page is not free, whatever else it is.
      classifyPages(layout, { words, frame, count, classes: now, index: 0, indexOfPage: () => -1 });
    }
    for (let page = 0; page < count; page++) {
      if (classes[index + page] !== pageClass.free || now[page] === pageClass.free) continue;
      classes[index + page] = pageClass.kernel;
      onTaken(index + page);
    }
  };

  let index = 0;
  let nextFree = classes.indexOf(pageClass.free);
  for (const { start, length } of physical.ranges) {
    const end = (start + length) / PAGE_BYTES;
    for (let frame = start / PAGE_BYTES; frame < end && nextFree !== -1;) {
      const count = Math.min(groupFrames - (frame % groupFrames), end - frame);
      if (nextFree < index + count) {
        const base = sections.pageArrayOf(Math.floor(frame / sections.framesPerSection));
        const address = (base ?? 0n) + BigInt(frame * structBytes);
        if (base === undefined || isGroupWritten(address, count * structBytes)) {
          lookAgain(base, frame, count, index);
        }
        nextFree = classes.indexOf(pageClass.free, index + count);
      }
      frame += count;
      index += count;
    }
  }
}
