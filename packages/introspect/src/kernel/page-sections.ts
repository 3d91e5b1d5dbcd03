import { PAGE_BYTES } from '../memory/guest-memory.js';
import type { VirtualMemory } from '../memory/virtual-memory.js';
import { Unsupported } from '../unsupported.js';
import type { VmcoreInfo } from './vmcoreinfo.js';

/*
 * Sections of physical memory (include/linux/mmzone.h): `mem_section[root][section]`, whose `section_mem_map` has
 * flags in its lowest bits. With CONFIG_SPARSEMEM_VMEMMAP the rest is, for each section, where the `struct page` of
 * frame 0 would be (sparse_encode_mem_map in mm/sparse.c): the base of the whole array.
 */
const HAS_MEM_MAP = 1n << 1n;
const ONLINE = 1n << 2n;
/** ZONE_DEVICE: memory that is not the kernel's to hand out. Debian's kernels have it; others have no such bit. */
const DEVICE = 1n << 4n;
const FLAGS_MASK = BigInt(PAGE_BYTES - 1);
const KERNEL_SPACE = 1n << 63n;

/** Where the kernel's `struct page` of a frame is. */
export class PageSections {
  readonly #memory: VirtualMemory;
  /** Where the pointers to the roots are. */
  readonly #roots: bigint;
  readonly #rootCount: number;
  readonly #sectionBytes: number;
  readonly #mapOffset: number;
  readonly #perRoot: number;
  readonly framesPerSection: number;

  constructor(memory: VirtualMemory, info: VmcoreInfo) {
    const bits = info.number('SECTION_SIZE_BITS');
    this.#roots = info.symbol('mem_section');
    this.#rootCount = info.length('mem_section');
    this.#sectionBytes = info.size('mem_section');
    this.#mapOffset = info.offset('mem_section.section_mem_map');
    const sane = bits >= 24 && bits <= 34;
    const fits = this.#mapOffset + 8 <= this.#sectionBytes && this.#sectionBytes <= PAGE_BYTES;
    if (!sane || !fits) throw new Unsupported('the sections of memory are laid out strangely');
    this.#memory = memory;
    this.framesPerSection = 2 ** bits / PAGE_BYTES;
    this.#perRoot = Math.floor(PAGE_BYTES / this.#sectionBytes);
  }

  /** The address of the array's beginning, according to the section; undefined if it has no pages in use. */
  pageArrayOf(section: number): bigint | undefined {
    const rootNumber = Math.floor(section / this.#perRoot);
    if (rootNumber >= this.#rootCount) return undefined;
    const root = this.#memory.readU64(this.#roots + BigInt(rootNumber * 8)) ?? 0n;
    if (root === 0n) return undefined;
    const place = (section % this.#perRoot) * this.#sectionBytes + this.#mapOffset;
    const value = this.#memory.readU64(BigInt.asUintN(64, root + BigInt(place)));
    if (value === undefined || (value & HAS_MEM_MAP) === 0n) return undefined;
    if ((value & ONLINE) === 0n || (value & DEVICE) !== 0n) return undefined;
    const base = value & ~FLAGS_MASK;
    if (base < KERNEL_SPACE) throw new Unsupported(`section ${section} of memory has no usable page array`);
    return base;
  }
}
