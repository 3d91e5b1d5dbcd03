import { fstatSync, openSync, readSync, closeSync } from 'node:fs';
import { PAGE_BYTES, type GuestMemory } from '../memory/guest-memory.js';
import { PageferryError } from '@pageferry/errors';

/** A file that has guest-physical memory from address 0 on, as QEMU's `pmemsave 0 SIZE FILE` writes it. */
export class RawDump implements GuestMemory {
  readonly ranges: GuestMemory['ranges'];
  readonly #file: number;
  readonly #path: string;

  /** @throws PageferryError `memory-unreadable` */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#file = openSync(path, 'r');
    } catch (error) {
      throw new PageferryError('memory-unreadable', `${path} cannot be opened: ${String(error)}`, {
        cause: error,
      });
    }
    const { size } = fstatSync(this.#file);
    const length = size - (size % PAGE_BYTES);
    this.ranges = length === 0 ? [] : [{ start: 0, length }];
  }

  read(address: number, target: Uint8Array): void {
    for (let done = 0; done < target.length;) {
      const count = readSync(this.#file, target, done, target.length - done, address + done);
      if (count === 0) throw new PageferryError('memory-unreadable', `${this.#path} has become shorter`);
      done += count;
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}
