import { PAGE_BYTES, type GuestMemory } from '@pageferry/introspect';
import { MemoryReader, QmpClient, readRamLayout } from '@pageferry/qemu';
import type { Guest } from '../../guests/guest.js';

export interface OpenGuestMemory extends GuestMemory {
  close(): void;
}

/** A guest's RAM as the guest sees it: by guest-physical addresses. */
export async function openGuestMemory(guest: Guest): Promise<OpenGuestMemory> {
  const qmp = await QmpClient.connect(guest.qmpSocket);
  const { blocks, ranges } = await readRamLayout(qmp);
  qmp.close();
  const reader = MemoryReader.open(guest.pid, blocks);
  const pieces = ranges.map(({ start, length, blockName, blockOffset }) => ({
    start,
    length: length - (length % PAGE_BYTES),
    block: blocks.findIndex(({ name }) => name === blockName),
    blockOffset,
  }));
  return {
    ranges: pieces.map(({ start, length }) => ({ start, length })),
    read(address, target) {
      const piece = pieces.find(({ start, length }) => address >= start && address < start + length);
      if (piece === undefined || address + target.length > piece.start + piece.length) {
        throw new Error(`${target.length} bytes at ${address} are not RAM of the guest`);
      }
      reader.readSync(piece.block, piece.blockOffset + address - piece.start, target, 0, target.length);
    },
    close() {
      reader.close();
    },
  };
}

/** What the processors have in their register CR3. */
export async function registersCr3(guest: Guest): Promise<number[]> {
  const registers = await guest.monitor.human('info registers -a');
  return [...registers.matchAll(/\bCR3=([\da-f]+)/g)].map(([, value = '']) => parseInt(value, 16));
}
