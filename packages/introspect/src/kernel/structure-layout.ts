import { Unsupported } from '../unsupported.js';
import type { StructureType } from './btf.js';

/** What is read of one structure lies within so many bytes. */
const MOST_BYTES = 8192;

/** Where the wanted members of a structure are: what BTF says is the guest's, and checked. */
export class StructureLayout {
  readonly #type: StructureType;
  #end = 0;

  constructor(type: StructureType) {
    this.#type = type;
  }

  /** From the beginning of the structure to the end of the last member that {@link offset} was asked for. */
  get bytes(): number {
    return this.#end;
  }

  /** Where a member begins that has at least so many bytes, and lies at a multiple of `alignment`. */
  offset(member: string, bytes: number, alignment = Math.min(8, bytes)): number {
    const { offset } = this.#type.member(member);
    const end = offset + bytes;
    if (offset % alignment !== 0 || end > this.#type.bytes || end > MOST_BYTES) {
      throw new Unsupported(`the kernel's ${member} is at a strange place`);
    }
    this.#end = Math.max(this.#end, end);
    return offset;
  }
}
