import { StructureReader } from '../memory/structure-reader.js';
import type { VirtualMemory } from '../memory/virtual-memory.js';
import type { ExtentSearch, ExtentSource } from './file-system.js';
import type { XfsLayout } from './xfs-layout.js';

/*
 * A file's extents in memory, fs/xfs/libxfs/xfs_iext_tree.c: a tree of nodes of 256 bytes. The lowest ones have up to 15
 * records of 16 bytes (and then links to their neighbours); a root that is one of these may be shorter. The others have
 * 16 keys, each the first block below the pointer that belongs to it, and 16 pointers; unused ones are 0.
 */
const NODE_BYTES = 256;
const RECORD_BYTES = 16;
const MOST_RECORDS = 15;
const MOST_CHILDREN = 16;
const POINTERS = MOST_CHILDREN * 8;
const MOST_HEIGHT = 16;
const WINDOW_BYTES = 4096;
/** Of a record: 54 bits of the first block in the file, 10 and 42 of the block on the disk, 21 of the length, 1 if unwritten. */
const START_HIGH_MASK = 0x3f_ffff;
const LENGTH_MASK = 0x1f_ffff;
const UNWRITTEN = 0x20_0000;
const END_OF_FILE = 2 ** 54;
/** Blocks from here on are yet to be found: isnullstartblock, fs/xfs/libxfs/xfs_format.h. */
const FIRST_NULL_BLOCK = 2 ** 52 - 2 ** 17;

/** A part of a file, in blocks. */
interface Part {
  readonly start: number;
  readonly end: number;
}

/** @param blockOf where a block is, counted from the beginning of the file system, by its number */
export function extentRecords(
  memory: VirtualMemory,
  inodes: StructureReader,
  offsets: XfsLayout['inode'],
  blockOf: (number: number) => number,
): ExtentSource {
  const reader = new StructureReader(memory, WINDOW_BYTES);
  const levels = Array.from({ length: MOST_HEIGHT }, () => new DataView(new ArrayBuffer(NODE_BYTES)));

  const visitLeaf = (
    leaf: number,
    records: number,
    part: Part,
    { wanted, extents, limit }: ExtentSearch,
  ): void => {
    if (!limit.allows(MOST_RECORDS) || !reader.seek(leaf, records * RECORD_BYTES)) return;
    for (let record = 0; record < records; record++) {
      const at = record * RECORD_BYTES;
      const [low, lowHigh] = [reader.u32(at), reader.u32(at + 4)];
      const [high, highHigh] = [reader.u32(at + 8), reader.u32(at + 12)];
      if (high === 0 && highHigh === 0) return;
      const start = (lowHigh & START_HIGH_MASK) * 2 ** 32 + low;
      const length = high & LENGTH_MASK;
      if (start < part.start || start + length > part.end) return;
      const number = (highHigh * 1024 + (high >>> 22)) * 1024 + (lowHigh >>> 22);
      const isWritten = (high & UNWRITTEN) === 0 && number < FIRST_NULL_BLOCK;
      if (!isWritten || !wanted.anyIn(start, start + length)) continue;
      if (!extents.add(start, length, blockOf(number))) return;
    }
  };

  /** Of each part of the file that has wanted pages, at most one node of each height is read. */
  const visit = async (address: number, height: number, part: Part, search: ExtentSearch): Promise<void> => {
    const node = levels[height - 1];
    if (height === 1 || node === undefined) {
      visitLeaf(address, MOST_RECORDS, part, search);
      return;
    }
    await search.turns.next();
    if (!search.limit.allows(MOST_CHILDREN) || !reader.seek(address, NODE_BYTES)) return;
    reader.copy(0, new Uint8Array(node.buffer));
    for (let child = 0; child < MOST_CHILDREN; child++) {
      const pointer = pointerAt(node, child);
      if (pointer === 0) return;
      // What is before the first key is looked for below the first pointer, too.
      const start = child === 0 ? part.start : keyAt(node, child);
      const isLast = child + 1 === MOST_CHILDREN || pointerAt(node, child + 1) === 0;
      const end = isLast ? part.end : keyAt(node, child + 1);
      if (start < part.start || end <= start || end > part.end) return;
      if (search.wanted.anyIn(start, end)) await visit(pointer, height - 1, { start, end }, search);
    }
  };

  return async (search) => {
    if (!inodes.seek(search.inode - offsets.common, offsets.bytes)) return;
    const height = inodes.u32(offsets.height);
    const root = inodes.pointer(offsets.root);
    const records = Math.min(MOST_RECORDS, Math.floor(inodes.u64(offsets.extentBytes) / RECORD_BYTES));
    const all = { start: 0, end: END_OF_FILE };
    if (height === 1) visitLeaf(root, records, all, search);
    else if (height > 1 && height <= MOST_HEIGHT) await visit(root, height, all, search);
  };
}

function keyAt(node: DataView, child: number): number {
  return node.getUint32(child * 8 + 4, true) * 2 ** 32 + node.getUint32(child * 8, true);
}

function pointerAt(node: DataView, child: number): number {
  const at = POINTERS + child * 8;
  return node.getInt32(at + 4, true) * 2 ** 32 + node.getUint32(at, true);
}
