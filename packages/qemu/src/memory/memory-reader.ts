import { PageferryError } from '@pageferry/errors';
import { PAGE_SIZE } from '@pageferry/transfer';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { mappingsOf, parseMemoryMap } from './memory-map.js';
import type { RamBlock } from './ram-blocks.js';

/**
 * What /proc/PID/pagemap has for a page of the host, which on x86 is as large as one of the guest: 64 bits
 * (Documentation/admin-guide/mm/pagemap.rst).
 */
const PAGEMAP_ENTRY_LENGTH = 8;
/** Of an entry's last byte: bit 63 of the entry, in memory; bit 62, swapped out. */
const PRESENT_OR_SWAPPED = 0xc0;
/** Entries that one read fetches: 256 MiB of guest memory. */
const PAGEMAP_BATCH = 65_536;

interface OpenBlock extends RamBlock {
  /** Whether the page map knows what the block's memory holds. */
  readonly anonymous: boolean;
}

/**
 * Reads a guest's RAM blocks out of QEMU's address space, through /proc/PID/mem: while the guest runs, with whatever
 * the moment gives. Synchronous, because a read takes less time than handing it to another thread.
 *
 * Every method throws `memory-unreadable`, with the cause.
 */
export class MemoryReader {
  readonly #pid: number;
  readonly #blocks: readonly OpenBlock[];
  readonly #memory: number;
  readonly #pageMap: number;
  readonly #entries = Buffer.alloc(PAGEMAP_BATCH * PAGEMAP_ENTRY_LENGTH);
  #closed = false;

  /** @param pid QEMU's, see {@link findProcessId} */
  static open(pid: number, blocks: readonly RamBlock[]): MemoryReader {
    const openBlocks = findBlocks(pid, blocks);
    const memory = attempt(pid, () => openSync(`/proc/${pid}/mem`, 'r'));
    try {
      const pageMap = attempt(pid, () => openSync(`/proc/${pid}/pagemap`, 'r'));
      return new MemoryReader(pid, openBlocks, memory, pageMap);
    } catch (error) {
      closeSync(memory);
      throw error;
    }
  }

  private constructor(pid: number, blocks: readonly OpenBlock[], memory: number, pageMap: number) {
    this.#pid = pid;
    this.#blocks = blocks;
    this.#memory = memory;
    this.#pageMap = pageMap;
  }

  /**
   * Reads `length` bytes of a block, from `address` in it, to `offset` in `target`.
   * @param blockIndex in the blocks that the reader was opened with
   */
  readSync(blockIndex: number, address: number, target: Uint8Array, offset: number, length: number): void {
    const block = this.#blockAt(blockIndex, address, length);
    this.#read(this.#memory, block.hostAddress + address, target, offset, length);
  }

  /**
   * Says which pages may hold something, without reading them.
   * @param address of the first page within the block
   * @param target gets one byte a page: 0 if the page was never touched (it reads as zero), 1 otherwise, and also for
   *   all memory that is shared or of a file, whose content does not depend on being mapped
   */
  readPresence(blockIndex: number, address: number, pageCount: number, target: Uint8Array): void {
    const block = this.#blockAt(blockIndex, address, pageCount * PAGE_SIZE);
    if (!block.anonymous) {
      target.fill(1, 0, pageCount);
      return;
    }
    const first = (block.hostAddress + address) / PAGE_SIZE;
    if (!Number.isInteger(first)) throw new RangeError(`${address} is not the address of a page`);
    const entries = this.#entries;
    for (let done = 0; done < pageCount; done += PAGEMAP_BATCH) {
      const count = Math.min(PAGEMAP_BATCH, pageCount - done);
      const position = (first + done) * PAGEMAP_ENTRY_LENGTH;
      this.#read(this.#pageMap, position, entries, 0, count * PAGEMAP_ENTRY_LENGTH);
      for (let page = 0; page < count; page++) {
        const flags = entries[page * PAGEMAP_ENTRY_LENGTH + PAGEMAP_ENTRY_LENGTH - 1] ?? 0;
        target[done + page] = (flags & PRESENT_OR_SWAPPED) === 0 ? 0 : 1;
      }
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#memory);
    closeSync(this.#pageMap);
  }

  #blockAt(index: number, address: number, length: number): OpenBlock {
    // A closed descriptor's number may belong to another file by now.
    if (this.#closed) throw new PageferryError('memory-unreadable', 'the memory reader is closed');
    const block = this.#blocks[index];
    if (block === undefined) throw new RangeError(`there is no RAM block ${index}`);
    if (address < 0 || length < 0 || address + length > block.usedLength) {
      throw new RangeError(`${length} bytes at ${address} are not in ${block.name} of ${block.usedLength}`);
    }
    return block;
  }

  #read(file: number, position: number, target: Uint8Array, offset: number, length: number): void {
    let done = 0;
    while (done < length) {
      let count: number;
      try {
        count = readSync(file, target, offset + done, length - done, position + done);
      } catch (error) {
        throw unreadable(this.#pid, causeOf(error), error);
      }
      // The end of a process's memory is the end of the process.
      if (count === 0) throw unreadable(this.#pid, 'QEMU is gone');
      done += count;
    }
  }
}

function findBlocks(pid: number, blocks: readonly RamBlock[]): OpenBlock[] {
  const map = parseMemoryMap(attempt(pid, () => readFileSync(`/proc/${pid}/maps`, 'latin1')));
  if (map.length === 0) throw unreadable(pid, 'QEMU is gone');
  return blocks.map((block) => {
    const mappings = mappingsOf(map, block.hostAddress, block.hostAddress + block.usedLength);
    if (mappings === undefined) {
      throw unreadable(
        pid,
        `it has no RAM block ${block.name} at ${hex(block.hostAddress)}: is this another process?`,
      );
    }
    return { ...block, anonymous: mappings.every(({ anonymous }) => anonymous) };
  });
}

function attempt<T>(pid: number, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw unreadable(pid, causeOf(error), error);
  }
}

function causeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return 'permission denied; the agent must run as root, or have the capability CAP_SYS_PTRACE and read access';
    case 'ENOENT':
    case 'ESRCH':
      return 'QEMU is gone';
    case 'EIO':
      return 'QEMU has no memory there any more; was it unplugged?';
    default:
      return String(error);
  }
}

function unreadable(pid: number, why: string, cause?: unknown): PageferryError {
  return new PageferryError(
    'memory-unreadable',
    `the memory of QEMU (process ${pid}) cannot be read: ${why}`,
    { cause },
  );
}

function hex(address: number): string {
  return `0x${address.toString(16)}`;
}
