import { PAGE_BYTES } from './guest-memory.js';
import type { PhysicalMemory } from './physical-memory.js';

/*
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3, chapter "Paging".
 */
const PRESENT = 1n;
const LARGE_PAGE = 1n << 7n;
const FRAME_MASK = 0x000f_ffff_ffff_f000n;
const INDEX_BITS = 9n;
const PAGE_SHIFT = 12n;
/** Levels whose entries may map memory themselves: 2 MiB and 1 GiB. */
const LARGE_LEVELS = [2, 3];
const MOST_CACHED_TABLES = 512;

interface Mapping {
  readonly physical: number;
  /** Bytes from there to the end of the page, be it a large one. */
  readonly length: number;
}

/** The kernel's virtual memory: a walk reads at most one entry a level, so loops in the tables do no harm. */
export class VirtualMemory {
  readonly #memory: PhysicalMemory;
  readonly #root: number;
  readonly #levels: 4 | 5;
  readonly #tables = new Map<number, DataView | undefined>();
  /** The page of the last walk: what is read next is often in it, and pages of the kernel's are large. */
  #lastStart = 0n;
  #last: Mapping = { physical: 0, length: 0 };

  /** @param root guest-physical address of the top table */
  constructor(memory: PhysicalMemory, root: number, levels: 4 | 5) {
    this.#memory = memory;
    this.#root = root;
    this.#levels = levels;
  }

  /** Reads all tables anew from now on. */
  forget(): void {
    this.#tables.clear();
    this.#last = { physical: 0, length: 0 };
  }

  /** Where `address` lies; undefined if it is not mapped. */
  translate(address: bigint): Mapping | undefined {
    const distance = address - this.#lastStart;
    if (distance >= 0n && distance < this.#last.length) {
      const offset = Number(distance);
      return { physical: this.#last.physical + offset, length: this.#last.length - offset };
    }
    return this.#walk(address);
  }

  #walk(address: bigint): Mapping | undefined {
    let table = this.#root;
    for (let level: number = this.#levels; level >= 1; level--) {
      const shift = PAGE_SHIFT + INDEX_BITS * BigInt(level - 1);
      const index = Number((address >> shift) & ((1n << INDEX_BITS) - 1n));
      const entry = this.#table(table)?.getBigUint64(index * 8, true) ?? 0n;
      if ((entry & PRESENT) === 0n) return undefined;
      const frame = entry & FRAME_MASK;
      if (level === 1 || (LARGE_LEVELS.includes(level) && (entry & LARGE_PAGE) !== 0n)) {
        const size = 1n << shift;
        const offset = address & (size - 1n);
        const physical = Number(frame & ~(size - 1n));
        this.#lastStart = address - offset;
        this.#last = { physical, length: Number(size) };
        return { physical: physical + Number(offset), length: Number(size - offset) };
      }
      table = Number(frame);
    }
    return undefined;
  }

  /** Fills `target`; false, with `target` in any state, if not all of it is mapped to RAM. */
  read(address: bigint, target: Uint8Array): boolean {
    let done = 0;
    while (done < target.length) {
      const mapping = this.translate(BigInt.asUintN(64, address + BigInt(done)));
      if (mapping === undefined) return false;
      const count = Math.min(mapping.length, target.length - done);
      if (!this.#memory.read(mapping.physical, target.subarray(done, done + count))) return false;
      done += count;
    }
    return true;
  }

  /** Little-endian, as all that x86 has; undefined if it is not mapped. */
  readU64(address: bigint): bigint | undefined {
    const bytes = new Uint8Array(8);
    return this.read(address, bytes) ? new DataView(bytes.buffer).getBigUint64(0, true) : undefined;
  }

  readI32(address: bigint): number | undefined {
    const bytes = new Uint8Array(4);
    return this.read(address, bytes) ? new DataView(bytes.buffer).getInt32(0, true) : undefined;
  }

  /** Tables are remembered: those of the kernel's own mappings stay as they are while it runs. */
  #table(address: number): DataView | undefined {
    if (this.#tables.has(address)) return this.#tables.get(address);
    if (this.#tables.size >= MOST_CACHED_TABLES) this.#tables.clear();
    const bytes = new Uint8Array(PAGE_BYTES);
    const table = this.#memory.read(address, bytes) ? new DataView(bytes.buffer) : undefined;
    this.#tables.set(address, table);
    return table;
  }
}
