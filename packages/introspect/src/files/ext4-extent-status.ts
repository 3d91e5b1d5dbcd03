import { StructureReader } from '../memory/structure-reader.js';
import type { VirtualMemory } from '../memory/virtual-memory.js';
import type { Ext4Layout } from './ext4-layout.js';
import type { ExtentSource } from './file-system.js';

/*
 * What the kernel remembers of a file's extents: a red-black tree of `struct extent_status`, fs/ext4/extents_status.h. The
 * upper 5 bits of es_pblk say what kind it is: the lowest of them that its blocks are written, the next three that they
 * are not, the last one nothing that matters here.
 */
const KIND_SHIFT = 59 - 32;
const KINDS = 0b1111;
const WRITTEN = 0b0001;
const BLOCK_MASK = 2 ** KIND_SHIFT - 1;
/** A red-black tree of all blocks that a file can have is no deeper. */
const MOST_DEPTH = 64;
const NODE_WINDOW_BYTES = 4096;
const END_OF_FILE = 2 ** 32;
const STEPS_AT_ONCE = 256;
/** Reading a node takes as long as so many entries of a block. */
const NODE_STEPS = 32;

/** A node whose left side was looked at; its right side is of the blocks from `end` on to before `limit`. */
interface Pending {
  readonly start: number;
  readonly end: number;
  /** Undefined if they are not written. */
  readonly block: number | undefined;
  readonly right: number;
  readonly limit: number;
}

export function extentStatus(
  memory: VirtualMemory,
  inodes: StructureReader,
  { inode: { common, bytes, status: root }, status: offsets }: Ext4Layout,
): ExtentSource {
  const reader = new StructureReader(memory, NODE_WINDOW_BYTES);

  return async ({ inode, wanted, extents, turns, limit: searchLimit }) => {
    if (!inodes.seek(inode - common, bytes)) return;
    let node = inodes.pointer(root);
    let from = 0;
    let limit = END_OF_FILE;
    const pending: Pending[] = [];
    // Where no page is wanted it does not go: each of a depth is on the way to another page.
    for (let steps = 1; ; steps++) {
      if (steps % STEPS_AT_ONCE === 0) await turns.next();
      const goesDown =
        pending.length < MOST_DEPTH &&
        wanted.anyIn(from, limit) &&
        searchLimit.allows(NODE_STEPS) &&
        reader.seek(node - offsets.node, offsets.bytes);
      if (goesDown) {
        const start = reader.u32(offsets.start);
        const end = start + reader.u32(offsets.length);
        // The extent is broken, or another one by now.
        if (start < from || end <= start || end > limit) return;
        const high = reader.u32(offsets.block + 4);
        const isWritten = ((high >>> KIND_SHIFT) & KINDS) === WRITTEN;
        const block = isWritten ? (high & BLOCK_MASK) * 2 ** 32 + reader.u32(offsets.block) : undefined;
        pending.push({ start, end, block, right: reader.pointer(offsets.right), limit });
        node = reader.pointer(offsets.left);
        limit = start;
        continue;
      }
      const next = pending.pop();
      if (next === undefined) return;
      const { start, end, block } = next;
      if (block !== undefined && wanted.anyIn(start, end)) extents.add(start, end - start, block);
      node = next.right;
      from = end;
      limit = next.limit;
    }
  };
}
