import { setImmediate as nextTurn } from 'node:timers/promises';
import { PAGE_BYTES } from '../memory/guest-memory.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { VmcoreInfo } from './vmcoreinfo.js';

/**
 * The kernel keeps VMCOREINFO at the beginning of a page (`vmcoreinfo_data`), and once more in a page that begins as
 * an ELF note (`vmcoreinfo_note`): 12 bytes and the name.
 */
const OFFSETS_IN_PAGE = [0, 24];
const MARK = new TextEncoder().encode('OSRELEASE=');
const CHUNK_BYTES = 1024 * 1024;
/** A guest that has more than that in its memory does so on purpose. */
const MOST_CANDIDATES = 16;

function isMarked(chunk: Uint8Array, offset: number): boolean {
  for (let index = 0; index < MARK.length; index++) {
    if (chunk[offset + index] !== MARK[index]) return false;
  }
  return true;
}

/**
 * Looks for VMCOREINFO from the lowest address on. What is found may be stale: memory survives a reboot.
 * Gives other work a turn after each chunk.
 */
export async function* findVmcoreInfo(
  memory: PhysicalMemory,
  signal: AbortSignal | undefined,
): AsyncGenerator<VmcoreInfo> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  let candidates = 0;
  for (const { start, length } of memory.ranges) {
    for (let done = 0; done < length; done += CHUNK_BYTES) {
      signal?.throwIfAborted();
      const part = chunk.subarray(0, Math.min(CHUNK_BYTES, length - done));
      if (!memory.read(start + done, part)) continue;
      for (let page = 0; page < part.length; page += PAGE_BYTES) {
        for (const offset of OFFSETS_IN_PAGE) {
          if (!isMarked(part, page + offset)) continue;
          if (++candidates > MOST_CANDIDATES) return;
          const info = VmcoreInfo.parse(part.slice(page + offset, page + PAGE_BYTES));
          if (info !== undefined) yield info;
        }
      }
      await nextTurn();
    }
  }
}
