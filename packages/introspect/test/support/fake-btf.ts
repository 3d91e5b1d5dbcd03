/** Writes BTF: structures and enumerations with just what a test needs; of a module, which builds upon the kernel's. */
export class FakeBtf {
  readonly #types: number[][] = [];
  readonly #base: FakeBtf | undefined;
  #strings: string;

  constructor(base?: FakeBtf) {
    this.#base = base;
    this.#strings = base === undefined ? '\0' : '';
  }

  /** With void. */
  get typeCount(): number {
    return (this.#base?.typeCount ?? 1) + this.#types.length;
  }

  get stringBytes(): number {
    return (this.#base?.stringBytes ?? 0) + this.#strings.length;
  }

  /** @returns the type's number */
  integer(name: string, bytes: number): number {
    return this.#add([this.#string(name), 1 << 24, bytes, bytes * 8]);
  }

  array(element: number, length: number): number {
    return this.#add([0, 3 << 24, 0, element, element, length]);
  }

  /** Offsets in bytes; a member without a name is anonymous. */
  structure(name: string, bytes: number, members: readonly (readonly [string, number, number])[]): number {
    const parts = members.flatMap(([member, type, offset]) => [this.#string(member), type, offset * 8]);
    return this.#add([this.#string(name), (4 << 24) | members.length, bytes, ...parts]);
  }

  enumeration(name: string, values: Readonly<Record<string, number>>): number {
    const parts = Object.entries(values).flatMap(([value, number]) => [this.#string(value), number]);
    return this.#add([this.#string(name), (6 << 24) | (parts.length / 2), 4, ...parts]);
  }

  encode(): Buffer {
    const types = Buffer.from(Uint32Array.from(this.#types.flat()).buffer);
    const strings = Buffer.from(this.#strings, 'latin1');
    const header = Buffer.alloc(24);
    header.writeUInt16LE(0xeb9f, 0);
    header.writeUInt8(1, 2);
    const fields = [24, 0, types.length, types.length, strings.length];
    for (const [index, field] of fields.entries()) header.writeUInt32LE(field, 4 + index * 4);
    return Buffer.concat([header, types, strings]);
  }

  #add(words: number[]): number {
    this.#types.push(words);
    return this.typeCount - 1;
  }

  #string(text: string): number {
    const known = this.#find(text);
    if (known !== -1) return known;
    const offset = this.stringBytes;
    this.#strings += `${text}\0`;
    return offset;
  }

  #find(text: string): number {
    const known = this.#base === undefined ? -1 : this.#base.#find(text);
    if (text === '' || known !== -1) return Math.max(0, known);
    const own = `\0${this.#strings}`.indexOf(`\0${text}\0`);
    return own === -1 ? -1 : (this.#base?.stringBytes ?? 0) + own;
  }
}
