import type { Guest } from './guest.js';

/** A block of a guest's RAM or ROM within its QEMU process. */
export interface RamBlock {
  readonly name: string;
  readonly bytes: number;
  /** Where it lies in QEMU's address space. */
  readonly hostAddress: number;
}

// Name, page size, offset, used length, maximal length, host address, and whether it is read-only.
const line = /^\s*(\S+)\s+\d+ [KMG]iB\s+0x[0-9a-f]+\s+(0x[0-9a-f]+)\s+0x[0-9a-f]+\s+(0x[0-9a-f]+)\s+r[wo]/;

/** All blocks of a guest's memory, ROMs included, as QEMU lists them. */
export async function ramBlocks(guest: Guest): Promise<RamBlock[]> {
  const listing = await guest.monitor.human('info ramblock');
  return listing.split('\n').flatMap((text) => {
    const [, name, bytes, hostAddress] = line.exec(text) ?? [];
    if (name === undefined || bytes === undefined || hostAddress === undefined) return [];
    return [{ name, bytes: Number(bytes), hostAddress: Number(hostAddress) }];
  });
}
