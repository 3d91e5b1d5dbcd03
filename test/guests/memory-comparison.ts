import { open, type FileHandle } from 'node:fs/promises';
import type { Guest } from './guest.js';
import { ramBlocks, type RamBlock } from './ram-blocks.js';

/** A page in which two guests differ. */
export interface DifferingPage {
  readonly block: string;
  /** Byte offset within the block. */
  readonly address: number;
}

const pageBytes = 4096;
const chunkBytes = 1024 * 1024;

/** The blocks of the memory of a guest that is stopped: anything else changes under the comparison. */
async function blocksOfStopped(guest: Guest): Promise<Map<string, RamBlock>> {
  const state = await guest.state();
  if (state === 'running') throw new Error(`${guest.name} is running: its memory cannot be compared`);
  return new Map((await ramBlocks(guest)).map((block) => [block.name, block]));
}

async function read(memory: FileHandle, block: RamBlock, address: number, chunk: Buffer): Promise<Buffer> {
  const wanted = chunk.subarray(0, Math.min(chunk.length, block.bytes - address));
  const { bytesRead } = await memory.read(wanted, 0, wanted.length, block.hostAddress + address);
  if (bytesRead !== wanted.length) throw new Error(`${block.name} cannot be read at ${address}`);
  return wanted;
}

async function differencesInBlock(
  memories: readonly [FileHandle, FileHandle],
  blocks: readonly [RamBlock, RamBlock],
) {
  const chunks = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)] as const;
  const differences: DifferingPage[] = [];
  for (let address = 0; address < blocks[0].bytes; address += chunkBytes) {
    const left = await read(memories[0], blocks[0], address, chunks[0]);
    const right = await read(memories[1], blocks[1], address, chunks[1]);
    if (left.equals(right)) continue;
    for (let offset = 0; offset < left.length; offset += pageBytes) {
      const same = left.compare(right, offset, offset + pageBytes, offset, offset + pageBytes) === 0;
      if (!same) differences.push({ block: blocks[0].name, address: address + offset });
    }
  }
  return differences;
}

/** Compares all memory of two stopped guests bit for bit, ROMs included; returns the pages that are not the same. */
export async function differingPages(left: Guest, right: Guest): Promise<DifferingPage[]> {
  const [leftBlocks, rightBlocks] = [await blocksOfStopped(left), await blocksOfStopped(right)];
  const shape = (blocks: Map<string, RamBlock>): string =>
    [...blocks.values()].map(({ name, bytes }) => `${name} ${bytes}`).join(', ');
  if (leftBlocks.size === 0 || shape(leftBlocks) !== shape(rightBlocks)) {
    throw new Error(`the guests differ in their memory blocks: ${shape(leftBlocks)}; ${shape(rightBlocks)}`);
  }
  const memories = [await open(`/proc/${left.pid}/mem`), await open(`/proc/${right.pid}/mem`)] as const;
  try {
    const differences: DifferingPage[] = [];
    for (const [name, block] of leftBlocks) {
      const other = rightBlocks.get(name);
      if (other !== undefined) differences.push(...(await differencesInBlock(memories, [block, other])));
    }
    return differences;
  } finally {
    await Promise.all(memories.map((memory) => memory.close()));
  }
}
