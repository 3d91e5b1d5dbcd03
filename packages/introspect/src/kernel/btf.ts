import { Unsupported } from '../unsupported.js';

/*
 * BTF, the kernel's description of its own types: Documentation/bpf/btf.rst, include/uapi/linux/btf.h.
 */
const MAGIC = 0xeb9f;
const VERSION = 1;
const HEADER_BYTES = 24;
const TYPE_BYTES = 12;
const MOST_TYPES = 0xf_ffff;
/** Of one structure, with those of the anonymous structures and unions in it. */
const MOST_MEMBERS = 4096;
const MOST_NAME_BYTES = 128;

const kinds = { array: 3, struct: 4, union: 5, enum: 6 } as const;
/** What follows a type's first 12 bytes, by its kind: so many bytes, and so many for each of its parts. */
const trailers: readonly (readonly [once: number, each: number] | undefined)[] = [
  undefined,
  [4, 0], // an integer
  [0, 0], // a pointer
  [12, 0], // an array
  [0, 12], // a structure
  [0, 12], // a union
  [0, 8], // an enumeration
  [0, 0], // a forward declaration
  [0, 0], // a typedef
  [0, 0], // volatile
  [0, 0], // const
  [0, 0], // restrict
  [0, 0], // a function
  [0, 8], // a function's prototype
  [4, 0], // a variable
  [0, 12], // a section
  [0, 0], // a floating-point number
  [4, 0], // a declaration's tag
  [0, 0], // a type's tag
  [0, 12], // an enumeration of 64 bits
];

export interface Member {
  /** In bytes, from the beginning of the structure. */
  readonly offset: number;
  readonly type: number;
}

/** Structures and enumerations by their names. Everything throws {@link Unsupported} for what is broken or missing. */
export class TypeInformation {
  readonly #view: DataView;
  readonly #strings: Buffer;
  /** Where each type begins. Type 0 is void. */
  readonly #types: Uint32Array;

  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < HEADER_BYTES || view.getUint16(0, true) !== MAGIC || view.getUint8(2) !== VERSION) {
      throw new Unsupported('there is no type information (BTF) where the kernel has it');
    }
    const header = view.getUint32(4, true);
    const [types, typesLength] = [header + view.getUint32(8, true), view.getUint32(12, true)];
    const [strings, stringsLength] = [header + view.getUint32(16, true), view.getUint32(20, true)];
    if (
      header < HEADER_BYTES ||
      types + typesLength > bytes.length ||
      strings + stringsLength > bytes.length
    ) {
      throw new Unsupported('the type information (BTF) is longer than its place');
    }
    this.#view = view;
    this.#strings = Buffer.from(bytes.buffer, bytes.byteOffset + strings, stringsLength);
    this.#types = listTypes(view, types, types + typesLength);
  }

  /** The values of an enumeration's names. */
  enumeration(name: string): ReadonlyMap<string, number> {
    const type = this.#find(kinds.enum, name);
    const values = new Map<string, number>();
    for (let part = 0; part < this.#parts(type); part++) {
      const at = type + TYPE_BYTES + part * 8;
      values.set(this.#string(this.#view.getUint32(at, true)), this.#view.getInt32(at + 4, true));
    }
    return values;
  }

  /** A structure's member, which may be one of an anonymous structure or union within it. */
  member(structure: string, name: string): Member {
    const found = this.#member(this.#find(kinds.struct, structure), this.#offsetOfString(name));
    if (found === undefined) throw new Unsupported(`the kernel's struct ${structure} has no ${name}`);
    return found;
  }

  /** How many elements an array has. */
  arrayLength(type: number): number {
    const at = this.#types[type];
    if (at === undefined || this.#kind(at) !== kinds.array) throw new Unsupported(`type ${type} is no array`);
    return this.#view.getUint32(at + TYPE_BYTES + 8, true);
  }

  #member(structure: number, name: number | undefined): Member | undefined {
    const pending = [{ structure, base: 0 }];
    let members = 0;
    for (let inner = pending.pop(); inner !== undefined; inner = pending.pop()) {
      const bitFields = this.#view.getUint32(inner.structure + 4, true) >>> 31 === 1;
      for (let part = 0; part < this.#parts(inner.structure); part++) {
        if (++members > MOST_MEMBERS) return undefined;
        const at = inner.structure + TYPE_BYTES + part * 12;
        const type = this.#view.getUint32(at + 4, true);
        const position = this.#view.getUint32(at + 8, true);
        // Where there are bit fields, the upper byte is their size.
        const offset = inner.base + (bitFields ? position & 0xff_ffff : position) / 8;
        const own = this.#view.getUint32(at, true);
        if (own === name) return { offset, type };
        const place = this.#types[type];
        if (own === 0 && place !== undefined && this.#hasMembers(place)) {
          pending.push({ structure: place, base: offset });
        }
      }
    }
    return undefined;
  }

  #hasMembers(type: number): boolean {
    const kind = type === 0 ? 0 : this.#kind(type);
    return kind === kinds.struct || kind === kinds.union;
  }

  #find(kind: number, name: string): number {
    const wanted = this.#offsetOfString(name);
    const type =
      wanted === undefined
        ? undefined
        : this.#types.find(
            (at) => at !== 0 && this.#kind(at) === kind && this.#view.getUint32(at, true) === wanted,
          );
    if (type === undefined) throw new Unsupported(`the kernel's type information (BTF) has no ${name}`);
    return type;
  }

  #kind(type: number): number {
    return (this.#view.getUint32(type + 4, true) >>> 24) & 0x1f;
  }

  #parts(type: number): number {
    return this.#view.getUint32(type + 4, true) & 0xffff;
  }

  #string(offset: number): string {
    const text = this.#strings.subarray(offset, offset + MOST_NAME_BYTES);
    const end = text.indexOf(0);
    return end === -1 ? '' : text.toString('latin1', 0, end);
  }

  /** Every string is there once. */
  #offsetOfString(text: string): number | undefined {
    const at = this.#strings.indexOf(`\0${text}\0`, 0, 'latin1');
    return at === -1 ? undefined : at + 1;
  }
}

function listTypes(view: DataView, start: number, end: number): Uint32Array {
  const types = new Uint32Array(Math.floor((end - start) / TYPE_BYTES) + 1);
  let count = 1;
  let at = start;
  while (at < end) {
    if (count > MOST_TYPES) throw new Unsupported('the type information (BTF) has too many types');
    if (at + TYPE_BYTES > end) throw broken();
    const information = view.getUint32(at + 4, true);
    const trailer = trailers[(information >>> 24) & 0x1f];
    if (trailer === undefined) throw broken();
    types[count++] = at;
    at += TYPE_BYTES + trailer[0] + trailer[1] * (information & 0xffff);
    if (at > end) throw broken();
  }
  return types.subarray(0, count);
}

const broken = (): Unsupported => new Unsupported('the type information (BTF) is broken');
