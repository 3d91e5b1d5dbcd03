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

/** A type's description: of the kernel's own, or of one of its modules. */
interface Place {
  readonly owner: TypeInformation;
  /** In bytes, from the beginning of the owner's. */
  readonly at: number;
}

/** A structure of which members are wanted by their names. */
export interface StructureType {
  readonly bytes: number;
  /** A member, which may be one of an anonymous structure or union within it. */
  member(name: string): Member;
}

/**
 * Structures and enumerations by their names. Everything throws {@link Unsupported} for what is broken or missing.
 *
 * A module's types build upon the kernel's: their numbers, and the offsets of their strings, go on where the kernel's end.
 */
export class TypeInformation {
  readonly #view: DataView;
  readonly #strings: Buffer;
  /** Where each type begins. The kernel's type 0 is void. */
  readonly #types: Uint32Array;
  readonly #base: TypeInformation | undefined;
  /** The number of the first one of these types. */
  readonly #firstType: number;
  /** The offset that these strings begin at. */
  readonly #firstString: number;

  /** @param base the kernel's, if these are a module's */
  constructor(bytes: Uint8Array, base?: TypeInformation) {
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
    const listed = listTypes(view, types, types + typesLength);
    this.#types = base === undefined ? listed : listed.subarray(1);
    this.#base = base;
    this.#firstType = base?.typeCount ?? 0;
    this.#firstString = base?.stringBytes ?? 0;
  }

  /** Of these types and of those that they build upon, with void. */
  get typeCount(): number {
    return this.#firstType + this.#types.length;
  }

  get stringBytes(): number {
    return this.#firstString + this.#strings.length;
  }

  /** The values of an enumeration's names. */
  enumeration(name: string): ReadonlyMap<string, number> {
    const { owner, at } = this.#find(kinds.enum, name);
    const values = new Map<string, number>();
    for (let part = 0; part < owner.#parts(at); part++) {
      const value = at + TYPE_BYTES + part * 8;
      values.set(owner.#string(owner.#view.getUint32(value, true)), owner.#view.getInt32(value + 4, true));
    }
    return values;
  }

  /** A structure's member, see {@link StructureType.member}. */
  member(structure: string, name: string): Member {
    return this.structure(structure).member(name);
  }

  structure(name: string): StructureType {
    const place = this.#find(kinds.struct, name);
    return {
      bytes: place.owner.#view.getUint32(place.at + 8, true),
      member: (member) => {
        const wanted = this.#offsetOfString(member);
        const found = wanted === undefined ? undefined : this.#member(place, wanted);
        if (found === undefined) throw new Unsupported(`the kernel's struct ${name} has no ${member}`);
        return found;
      },
    };
  }

  /** How many elements an array has. */
  arrayLength(type: number): number {
    const place = this.#place(type);
    if (place === undefined || place.owner.#kind(place.at) !== kinds.array) {
      throw new Unsupported(`type ${type} is no array`);
    }
    return place.owner.#view.getUint32(place.at + TYPE_BYTES + 8, true);
  }

  #member(structure: Place, name: number): Member | undefined {
    const pending = [{ ...structure, base: 0 }];
    let members = 0;
    for (let inner = pending.pop(); inner !== undefined; inner = pending.pop()) {
      const view = inner.owner.#view;
      const bitFields = view.getUint32(inner.at + 4, true) >>> 31 === 1;
      for (let part = 0; part < inner.owner.#parts(inner.at); part++) {
        if (++members > MOST_MEMBERS) return undefined;
        const at = inner.at + TYPE_BYTES + part * 12;
        const type = view.getUint32(at + 4, true);
        const position = view.getUint32(at + 8, true);
        // Where there are bit fields, the upper byte is their size.
        const offset = inner.base + (bitFields ? position & 0xff_ffff : position) / 8;
        const own = view.getUint32(at, true);
        if (own === name) return { offset, type };
        const place = own === 0 ? this.#place(type) : undefined;
        if (place !== undefined && hasMembers(place.owner.#kind(place.at))) {
          pending.push({ ...place, base: offset });
        }
      }
    }
    return undefined;
  }

  /** Where a type is described; undefined if it is void, or none of these. */
  #place(type: number): Place | undefined {
    if (this.#base !== undefined && type < this.#firstType) return this.#base.#place(type);
    const at = this.#types[type - this.#firstType];
    return at === undefined || at === 0 ? undefined : { owner: this, at };
  }

  #find(kind: number, name: string): Place {
    const wanted = this.#offsetOfString(name);
    const found = wanted === undefined ? undefined : this.#findNamed(kind, wanted);
    if (found === undefined) throw new Unsupported(`the kernel's type information (BTF) has no ${name}`);
    return found;
  }

  #findNamed(kind: number, name: number): Place | undefined {
    const at = this.#types.find(
      (place) => place !== 0 && this.#view.getUint32(place, true) === name && this.#kind(place) === kind,
    );
    if (at !== undefined) return { owner: this, at };
    return this.#base === undefined ? undefined : this.#base.#findNamed(kind, name);
  }

  #kind(type: number): number {
    return (this.#view.getUint32(type + 4, true) >>> 24) & 0x1f;
  }

  #parts(type: number): number {
    return this.#view.getUint32(type + 4, true) & 0xffff;
  }

  #string(offset: number): string {
    if (this.#base !== undefined && offset < this.#firstString) return this.#base.#string(offset);
    const start = offset - this.#firstString;
    const text = this.#strings.subarray(start, start + MOST_NAME_BYTES);
    const end = text.indexOf(0);
    return end === -1 ? '' : text.toString('latin1', 0, end);
  }

  /** Every string is there once: a module has none that the kernel has. */
  #offsetOfString(text: string): number | undefined {
    if (this.#base !== undefined) {
      const known = this.#base.#offsetOfString(text);
      if (known !== undefined) return known;
      // The kernel's begin with an empty one, a module's with any.
      const first = Buffer.from(`${text}\0`, 'latin1');
      if (this.#strings.subarray(0, first.length).equals(first)) return this.#firstString;
    }
    const at = this.#strings.indexOf(`\0${text}\0`, 0, 'latin1');
    return at === -1 ? undefined : this.#firstString + at + 1;
  }
}

function hasMembers(kind: number): boolean {
  return kind === kinds.struct || kind === kinds.union;
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
