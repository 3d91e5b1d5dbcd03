import { open } from 'node:fs/promises';
import type { Guest } from '../guests/guest.js';
import { ramBlocks } from '../guests/ram-blocks.js';

const pageBytes = 4096;
const chunkBytes = 1024 * 1024;
const zeroPage = Buffer.alloc(pageBytes);

/** How many pages of the guest's memory, ROMs included, are other than zero; it may run. */
export async function countContentPages(guest: Guest): Promise<number> {
  const memory = await open(`/proc/${guest.pid}/mem`);
  const chunk = Buffer.alloc(chunkBytes);
  try {
    let pages = 0;
    for (const { bytes, hostAddress } of await ramBlocks(guest)) {
      for (let address = 0; address < bytes; address += chunkBytes) {
        const length = Math.min(chunkBytes, bytes - address);
        const { bytesRead } = await memory.read(chunk, 0, length, hostAddress + address);
        for (let offset = 0; offset < bytesRead; offset += pageBytes) {
          const end = Math.min(offset + pageBytes, bytesRead);
          if (chunk.compare(zeroPage, 0, end - offset, offset, end) !== 0) pages++;
        }
      }
    }
    return pages;
  } finally {
    await memory.close();
  }
}
