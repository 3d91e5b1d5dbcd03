import type { StructureReader } from '../memory/structure-reader.js';
import { EXT4_ROOT_BYTES, type Ext4Layout } from './ext4-layout.js';
import type { ExtentSearch, ExtentSource } from './file-system.js';
import type { ReadBlock } from './metadata.js';

/*
 * The tree of a file's extents, fs/ext4/ext4_extents.h: nodes of a header and entries of 12 bytes each. The root is in the
 * inode, the others are blocks. Entries of the lowest ones are extents, those of the others name the blocks below.
 */
const MAGIC = 0xf30a;
const ENTRY_BYTES = 12;
const MOST_DEPTH = 5;
/** A longer extent is not written yet: it is so much shorter. */
const LONGEST_WRITTEN = 32_768;
/** Block numbers have 32 bits. */
const END_OF_FILE = 2 ** 32;

/** A part of a file, in blocks. */
interface Part {
  readonly start: number;
  readonly end: number;
}

export function extentTree(
  inodes: StructureReader,
  { common, bytes, root }: Ext4Layout['inode'],
  blockBytes: number,
  readBlock: ReadBlock,
): ExtentSource {
  const nodes = Array.from({ length: MOST_DEPTH }, () => new DataView(new ArrayBuffer(blockBytes)));
  const rootBytes = new Uint8Array(EXT4_ROOT_BYTES);
  const rootNode = new DataView(rootBytes.buffer);
  const all = { start: 0, end: END_OF_FILE };

  /** Of each part of the file that has wanted pages, at most one node of each depth is read. */
  const visit = async (node: DataView, depth: number, part: Part, search: ExtentSearch): Promise<void> => {
    const entries = entriesOf(node, depth);
    if (!search.limit.allows(entries)) return;
    for (let entry = 1; entry <= entries; entry++) {
      const at = entry * ENTRY_BYTES;
      const start = node.getUint32(at, true);
      const end = entry < entries ? node.getUint32(at + ENTRY_BYTES, true) : part.end;
      if (start < part.start || end <= start || end > part.end) return;
      if (!search.wanted.anyIn(start, end)) continue;
      if (depth === 0) {
        addExtent(node, at, end, search);
        continue;
      }
      const below = nodes[depth - 1];
      const block = node.getUint16(at + 8, true) * 2 ** 32 + node.getUint32(at + 4, true);
      await search.turns.next();
      if (below === undefined) continue;
      if (!(await readBlock(block, new Uint8Array(below.buffer), search.turns))) continue;
      await visit(below, depth - 1, { start, end }, search);
    }
  };

  return async (search) => {
    if (!inodes.seek(search.inode - common, bytes)) return;
    inodes.copy(root, rootBytes);
    const depth = rootNode.getUint16(6, true);
    if (depth <= MOST_DEPTH) await visit(rootNode, depth, all, search);
  };
}

/** How many entries a node has; 0 if it is none of this depth. */
function entriesOf(node: DataView, depth: number): number {
  const isNode = node.getUint16(0, true) === MAGIC && node.getUint16(6, true) === depth;
  const entries = node.getUint16(2, true);
  return isNode && (entries + 1) * ENTRY_BYTES <= node.byteLength ? entries : 0;
}

/** @param end of the part of the file that the entry is for */
function addExtent(node: DataView, at: number, end: number, { wanted, extents }: ExtentSearch): void {
  const start = node.getUint32(at, true);
  const length = node.getUint16(at + 4, true);
  if (length > LONGEST_WRITTEN || start + length > end || !wanted.anyIn(start, start + length)) return;
  const block = node.getUint16(at + 6, true) * 2 ** 32 + node.getUint32(at + 8, true);
  extents.add(start, length, block);
}
