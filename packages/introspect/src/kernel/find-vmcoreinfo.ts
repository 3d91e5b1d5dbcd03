import { PAGE_BYTES } from '../memory/guest-memory.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { Turns } from '../turns.js';
import { VmcoreInfo } from './vmcoreinfo.js';

/**
 * The kernel keeps VMCOREINFO at the beginning of a page (`vmcoreinfo_data`), and once more in a page that begins as
 * an ELF note (`vmcoreinfo_note`): 12 bytes and the name.
 */
const OFFSETS_IN_PAGE = [0, 24];
const MARK = new TextEncoder().encode('OSRELEASE=');
const CHUNK_BYTES = 256 * 1024;
/** A guest that has more than that in its memory does so on purpose. */
const MOST_CANDIDATES = 16;

/** A VMCOREINFO, and the guest-physical address of its first byte. */
export interface FoundVmcoreInfo {
  readonly info: VmcoreInfo;
  readonly address: number;
}

function isMarked(chunk: Uint8Array, offset: number): boolean {
  for (let index = 0; index < MARK.length; index++) {
    if (chunk[offset + index] !== MARK[index]) return false;
  }
  return true;
}

/** Pieces of the memory, by turns from its beginning and from its end: what a kernel takes when it starts is near one of both. */
function* chunksOf(memory: PhysicalMemory): Generator<{ readonly start: number; readonly length: number }> {
  const chunks = memory.ranges.flatMap(({ start, length }) =>
    Array.from({ length: Math.ceil(length / CHUNK_BYTES) }, (_, index) => ({
      start: start + index * CHUNK_BYTES,
      length: Math.min(CHUNK_BYTES, length - index * CHUNK_BYTES),
    })),
  );
  for (let low = 0, high = chunks.length - 1; low <= high; low++, high--) {
    const [first, last] = [chunks[low], chunks[high]];
    if (first !== undefined) yield first;
    if (last !== undefined && high !== low) yield last;
  }
}

/** Looks for VMCOREINFO. What is found may be stale: memory survives a reboot. Gives other work its turns. */
export async function* findVmcoreInfo(
  memory: PhysicalMemory,
  signal: AbortSignal | undefined,
): AsyncGenerator<FoundVmcoreInfo> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  const turns = new Turns(signal);
  let candidates = 0;
  for (const { start, length } of chunksOf(memory)) {
    await turns.next();
    const part = chunk.subarray(0, length);
    if (!memory.read(start, part)) continue;
    for (let page = 0; page < part.length; page += PAGE_BYTES) {
      for (const offset of OFFSETS_IN_PAGE) {
        if (!isMarked(part, page + offset)) continue;
        if (++candidates > MOST_CANDIDATES) return;
        const info = VmcoreInfo.parse(part.slice(page + offset, page + PAGE_BYTES));
        if (info !== undefined) yield { info, address: start + page + offset };
      }
    }
  }
}

/** Whether a VMCOREINFO is still where it was found. */
export function isStillThere(memory: PhysicalMemory, { info, address }: FoundVmcoreInfo): boolean {
  const bytes = new Uint8Array(PAGE_BYTES - (address % PAGE_BYTES));
  return memory.read(address, bytes) && VmcoreInfo.parse(bytes)?.text === info.text;
}
