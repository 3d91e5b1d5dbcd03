import type { GuestMemory } from '@pageferry/introspect';
import { FakeBtf } from './fake-btf.js';
import { addFileTypes } from './fake-file-types.js';
import { FakeImage } from './fake-image.js';
import { FakePageTables } from './fake-page-tables.js';
import { placeSymbols } from './fake-symbols.js';
import { describeFakeLinux } from './fake-vmcoreinfo.js';

export type Series = '6.1' | '6.12';

/** Fields of a `struct page`; what is not given is as in a page that the kernel uses. */
export interface FakePage {
  /** Names after PG_. */
  readonly flags?: readonly string[];
  /** The frame of the first page of its compound page. */
  readonly tailOf?: number;
  readonly mapping?: bigint;
  /** Where in its file it is, in pages. */
  readonly index?: number;
  /** The order of a free block. */
  readonly private?: bigint;
  /** One less than the number of mappings; or the page's type. */
  readonly mapcount?: number;
  readonly refcount?: number;
}

export interface FakeLinuxOptions {
  readonly series?: Series;
  /** As `uname -r` says it. */
  readonly release?: string;
  readonly fiveLevels?: boolean;
  /** Where its image begins; 2 MiB by default. It takes 4 MiB. */
  readonly start?: number;
  /** Lines of VMCOREINFO by their keys, in place of the usual ones; undefined leaves one out. */
  readonly information?: Readonly<Record<string, string | undefined>>;
  /** Symbols besides the usual ones, of 4 bytes. */
  readonly symbols?: Readonly<Record<string, number>>;
  /** Adds types of what is built into the kernel. */
  readonly addTypes?: (types: FakeBtf) => void;
}

const MIB = 2 ** 20;
const imageAddress = 0xffff_ffff_8120_0000n;
export const directMap = 0xffff_8880_0000_0000n;
const pageArray = 0xffff_ea00_0000_0000n;

/** What include/linux/page-flags.h of these series has, where distributions choose what Debian does. */
const flagNames = {
  '6.1':
    'locked referenced uptodate dirty lru active workingset waiters error slab owner_priv_1 arch_1 reserved private ' +
    'private_2 writeback head mappedtodisk reclaim swapbacked unevictable mlocked hwpoison',
  '6.12':
    'locked writeback referenced uptodate dirty lru head waiters active workingset owner_priv_1 owner_2 arch_1 ' +
    'reserved private private_2 reclaim swapbacked unevictable mlocked hwpoison',
} as const;

export const fakeRanges = [
  { start: 0, length: 16 * MIB },
  { start: 64 * MIB, length: MIB },
];
export const fakePages = 17 * 256;

/** Guest-physical memory of {@link fakeRanges}, which counts what is read of it. */
export class FakeMemory implements GuestMemory {
  readonly ranges = fakeRanges;
  readonly bytes = Buffer.alloc(17 * MIB);
  bytesRead = 0;

  read(address: number, target: Uint8Array): void {
    this.bytesRead += target.length;
    const inSecond = address >= 64 * MIB;
    const position = inSecond ? address - 48 * MIB : address;
    if (position < (inSecond ? 16 * MIB : 0) || position + target.length > (inSecond ? 17 : 16) * MIB) {
      throw new Error(`${String(target.length)} bytes at ${String(address)} are not of the guest`);
    }
    target.set(this.bytes.subarray(position, position + target.length));
  }
}

/** Writes into a memory what a kernel keeps there, as far as this package reads it. */
export class FakeLinux {
  readonly image: FakeImage;
  readonly series: Series;
  readonly release: string;
  /** `page->flags` by the names after PG_. */
  readonly flags: ReadonlyMap<string, number>;
  /** The guest-physical address of the structure of frame 0. */
  readonly pages: number;
  /** Where the lists of the only processor's free pages begin, and its number of them. */
  readonly perCpuPages: number;
  readonly zone: number;
  /** What it says of its types; what is added later is not said any more. */
  readonly types = new FakeBtf();
  readonly #memory: FakeMemory;

  constructor(memory: FakeMemory, options: FakeLinuxOptions = {}) {
    const { series = '6.12', start = 2 * MIB, fiveLevels = false } = options;
    this.#memory = memory;
    this.series = series;
    this.release = options.release ?? `${series}.7-test`;
    this.flags = new Map(flagNames[series].split(' ').map((name, bit) => [name, 2 ** bit]));
    const image = new FakeImage(memory.bytes, start, imageAddress);
    this.image = image;
    image.place('_stext', 4096);
    const tables = new FakePageTables(image, fiveLevels ? 5 : 4);
    this.pages = start + 2 * MIB;
    tables.map(imageAddress, start, 2);
    tables.map(directMap, 0, 3);
    tables.map(pageArray, this.pages, 2);
    image.place('init_uts_ns', Buffer.from(`${'\0'.repeat(130)}${this.release}\0`));

    const sections = image.place('sections', 4096);
    for (const section of [0, 4]) image.put64(sections + section * 16, pageArray | 0xfn);
    const roots = image.place('roots', 4096);
    image.put64(roots, directMap + BigInt(sections));
    image.put64(image.place('mem_section', 8), directMap + BigInt(roots));

    this.zone = image.place('node', 8192);
    image.put64(image.place('node_data', 64), directMap + BigInt(this.zone));
    memory.bytes.writeInt32LE(1, this.zone + 4096);
    this.perCpuPages = image.place('per_cpu_pages', 4096);
    image.put64(this.zone + 512, directMap + BigInt(this.perCpuPages) - 0x1000n);
    image.put64(image.place('__per_cpu_offset', 64), 0x1000n);
    image.place('nr_cpu_ids', Buffer.from([1, 0, 0, 0]));
    for (let list = 0; list < 14; list++) this.linkPerCpuList(list, []);

    this.#addTypes();
    options.addTypes?.(this.types);
    const types = this.types.encode();
    image.place('__start_BTF', types);
    image.place('btf_modules', 16);
    for (const link of [0, 8])
      image.put64(image.physical('btf_modules') + link, image.virtual('btf_modules'));
    const extra = Object.entries(options.symbols ?? {});
    for (const [name, content] of extra) image.place(name, Buffer.from(Int32Array.of(content).buffer));
    const names = ['_stext', 'mem_section', '__per_cpu_offset', 'nr_cpu_ids', '__start_BTF', 'btf_modules'];
    const symbols = new Map(
      [...names, ...extra.map(([name]) => name)].map((name) => [name, image.virtual(name)]),
    );
    symbols.set('__stop_BTF', image.virtual('__start_BTF') + BigInt(types.length));
    placeSymbols(image, symbols);

    const lines = describeFakeLinux(this, { fiveLevels, memSection: directMap + BigInt(roots) });
    for (const [key, value] of Object.entries(options.information ?? {})) lines.set(key, value);
    const text = [...lines].flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}\n`]));
    image.place('vmcoreinfo', Buffer.from(text.join(''), 'latin1'));
    for (const range of fakeRanges) {
      const first = range.start / 4096;
      for (let page = 0; page < range.length / 4096; page++) this.writePage(first + page, {});
    }
  }

  /** What register CR3 has while this kernel runs. */
  get pageTables(): number {
    return this.image.physical('swapper_pg_dir');
  }

  /** Where the `struct page` of a frame is: in the kernel's memory, and in the guest's. */
  pageAddress(frame: number): bigint {
    return pageArray + BigInt(frame) * 64n;
  }

  pagePlace(frame: number): number {
    return this.pages + frame * 64;
  }

  writePage(frame: number, page: FakePage): void {
    const { bytes } = this.#memory;
    const at = this.pagePlace(frame);
    const flags = (page.flags ?? []).reduce((sum, name) => sum + (this.flags.get(name) ?? NaN), 0);
    this.image.put64(at, BigInt(flags));
    this.image.put64(at + 8, page.tailOf === undefined ? 0n : this.pageAddress(page.tailOf) + 1n);
    this.image.put64(at + 24, page.mapping ?? 0n);
    this.image.put64(at + 32, BigInt(page.index ?? 0));
    this.image.put64(at + 40, page.private ?? 0n);
    bytes.writeInt32LE(page.mapcount ?? -1, at + 48);
    bytes.writeInt32LE(page.refcount ?? 1, at + 52);
  }

  /** A free block, whose pages but the first look like any unused page. */
  writeFreeBlock(frame: number, order: number): void {
    const mapcount = this.series === '6.1' ? -129 : 0xf0 << 24;
    for (let page = 1; page < 2 ** order; page++) this.writePage(frame + page, { refcount: 0 });
    this.writePage(frame, { mapcount, refcount: 0, private: BigInt(order) });
  }

  /** How often a large folio is mapped as a whole, less one. */
  writeLargeMapcount(frame: number, mapcount: number): void {
    const offset = this.series === '6.1' ? 20 : 16;
    this.#memory.bytes.writeInt32LE(mapcount, this.pagePlace(frame + 1) + offset);
  }

  /** Links pages (frames) into one of the processor's lists, and counts them. */
  linkPerCpuList(list: number, frames: readonly number[], count = frames.length): void {
    const head = this.perCpuPages + 16 + list * 16;
    const links = [directMap + BigInt(head), ...frames.map((frame) => this.pageAddress(frame) + 8n)];
    const places = [head, ...frames.map((frame) => this.pagePlace(frame) + 8)];
    for (const [index, place] of places.entries()) {
      this.image.put64(place, links[(index + 1) % links.length] ?? 0n);
    }
    if (count > 0) this.image.memory.writeInt32LE(count, this.perCpuPages + 4);
  }

  #addTypes(): void {
    const types = this.types;
    const int = types.integer('int', 4);
    const lists = types.array(int, 14);
    const flags = [...this.flags.keys()].map((name, bit) => [`PG_${name}`, bit] as const);
    types.enumeration('pageflags', Object.fromEntries([...flags, ['__NR_PAGEFLAGS', flags.length]]));
    const tail = types.structure('', 24, [['compound_mapcount', int, 12]]);
    const ofFile = types.structure('', 40, [['index', int, 24]]);
    const union = types.structure('', 40, [
      ['', tail, 0],
      ['', ofFile, 0],
    ]);
    const page = types.structure('page', 64, [
      ['flags', int, 0],
      ['', union, 8],
    ]);
    const second = types.structure('', 64, [['_large_mapcount', int, 16]]);
    types.structure('folio', 128, [
      ['page', page, 0],
      ['', second, 64],
    ]);
    types.structure('zone', 1024, [['per_cpu_pageset', int, 512]]);
    types.structure('per_cpu_pages', 256, [
      ['count', int, 4],
      ['lists', lists, 16],
    ]);
    addFileTypes(types);
  }
}
