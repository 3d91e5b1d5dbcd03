import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../environment/deadline.js';
import type { Guest } from './guest.js';

// A firmware of our own, in place of SeaBIOS: a guest without any operating system, whose memory says whether it is whole. It
// counts, and writes each number where its low bits say. At any moment a slot has the newest number that belongs to it.

const romBytes = 64 * 1024;
/** Where the processor begins, within the last 64 KiB below 1 MiB. */
const resetVector = 0xfff0;
const counterAddress = 0x500;
const slotsAddress = 0x2_0000;
const slots = 0x4000;
const countedDeadlineMs = 20_000;

// prettier-ignore
const program = Buffer.from([
  0xfa,                                     // cli
  0x31, 0xc0, 0x8e, 0xd8,                   // ds = 0
  0xb8, 0x00, 0x20, 0x8e, 0xc0,             // es = slotsAddress / 16
  0x66, 0x31, 0xdb,                         // ebx = 0
  0x66, 0x43,                               // next: ebx++
  0x89, 0xdf, 0x81, 0xe7, 0xff, 0x3f,       // di = bx & (slots - 1)
  0xc1, 0xe7, 0x02,                         // di *= 4
  0x26, 0x66, 0x89, 0x1d,                   // es:[di] = ebx
  0x66, 0x89, 0x1e, 0x00, 0x05,             // [counterAddress] = ebx
  0xeb, 0xea,                               // jump to next
]);
/** Jump to the program: f000:0000. */
const start = Buffer.from([0xea, 0x00, 0x00, 0x00, 0xf0]);

/** Writes the firmware into a directory; answers its path, for `-bios`. */
export async function writeCountingFirmware(directory: string): Promise<string> {
  const rom = Buffer.alloc(romBytes, 0xf4);
  program.copy(rom);
  start.copy(rom, resetVector);
  const path = join(directory, 'counting.rom');
  await writeFile(path, rom);
  return path;
}

/** How far the guest has counted. Throws if its memory, with the guest stopped for that, is not as it must be. */
export async function checkCounting(guest: Guest, directory: string): Promise<number> {
  await guest.monitor.execute('stop');
  try {
    const counter = (await bytesOf(guest, directory, counterAddress, 4)).readUInt32LE(0);
    const written = await bytesOf(guest, directory, slotsAddress, slots * 4);
    for (let slot = 0; slot < slots; slot++) {
      const number = written.readUInt32LE(slot * 4);
      // The guest may have been stopped after it had written a number, and before it said so.
      const age = counter + 1 - number;
      const isNewest = number % slots === slot && age >= 0 && age <= slots;
      const isUntouched = number === 0 && counter < slots;
      if (!isNewest && !isUntouched)
        throw new Error(`slot ${slot} has ${number} where the guest has counted to ${counter}`);
    }
    return counter;
  } finally {
    await guest.monitor.execute('cont');
  }
}

/** Waits until the guest has written to every slot, and goes on. */
export async function untilCounting(guest: Guest, directory: string): Promise<number> {
  let counted = 0;
  await eventually(
    async () => (counted = await checkCounting(guest, directory)) > slots,
    countedDeadlineMs,
    'a guest that counts',
    100,
  );
  return counted;
}

async function bytesOf(guest: Guest, directory: string, address: number, size: number): Promise<Buffer> {
  const filename = join(directory, `${guest.name}-${address}.memory`);
  await guest.monitor.execute('pmemsave', { val: address, size, filename });
  const bytes = await readFile(filename);
  await rm(filename);
  return bytes;
}
