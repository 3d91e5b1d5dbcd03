import { open, type FileHandle } from 'node:fs/promises';
import type { Guest } from './guest.js';
import { ramBlocks } from './ram-blocks.js';

const pageBytes = 4096;
const chunkBytes = 1024 * 1024;
const version = 1;

async function findPage(memory: FileHandle, guest: Guest, number: number): Promise<number> {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(version, 0);
  header.writeUInt32LE(number, 4);
  const chunk = Buffer.alloc(chunkBytes);
  for (const block of await ramBlocks(guest)) {
    for (let address = 0; address < block.bytes; address += chunkBytes) {
      const { bytesRead } = await memory.read(chunk, 0, chunkBytes, block.hostAddress + address);
      for (let offset = 0; offset < bytesRead; offset += pageBytes) {
        if (chunk.compare(header, 0, header.length, offset, offset + header.length) === 0) {
          return block.hostAddress + address + offset;
        }
      }
    }
  }
  throw new Error(`page ${number} was not found in the memory of ${guest.name}`);
}

async function flipBit(memory: FileHandle, position: number): Promise<void> {
  const byte = Buffer.alloc(1);
  await memory.read(byte, 0, 1, position);
  byte.writeUInt8(byte.readUInt8() ^ 1);
  await memory.write(byte, 0, 1, position);
}

/**
 * Flips one bit, in the guest's memory and behind its back, of a page that has been filled and not rewritten yet.
 * `offset` is in bytes within the page.
 */
export async function corruptPage(guest: Guest, number: number, offset: number): Promise<void> {
  const memory = await open(`/proc/${guest.pid}/mem`, 'r+');
  try {
    await flipBit(memory, (await findPage(memory, guest, number)) + offset);
  } finally {
    await memory.close();
  }
}

/**
 * Flips one bit in the last page of every memory block but the guest's RAM: what another QEMU has loaded there from the
 * same files is no longer the same. Returns the names of the blocks.
 */
export async function changeRoms(guest: Guest): Promise<string[]> {
  const roms = (await ramBlocks(guest)).filter(({ name }) => name !== 'pc.ram');
  const memory = await open(`/proc/${guest.pid}/mem`, 'r+');
  try {
    for (const { hostAddress, bytes } of roms) await flipBit(memory, hostAddress + bytes - pageBytes / 2);
  } finally {
    await memory.close();
  }
  return roms.map(({ name }) => name);
}
