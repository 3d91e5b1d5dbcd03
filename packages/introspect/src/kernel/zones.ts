import type { VirtualMemory } from '../memory/virtual-memory.js';
import { Unsupported } from '../unsupported.js';
import type { TypeInformation } from './btf.js';
import type { Encodings } from './encodings.js';
import type { VmcoreInfo } from './vmcoreinfo.js';

const MOST_ZONES = 8;
const MOST_NODES = 64;
const MOST_PROCESSORS = 8192;
const MOST_LISTS = 64;
/** Processors, again in each zone. */
const MOST_VISITS = 2 ** 16;
/** NR_FREE_PAGES is the first one of `enum zone_stat_item`, and VMCOREINFO says so. */
const FREE_PAGES = 0;

/** Symbols that VMCOREINFO does not have. */
export const zoneSymbols = ['__per_cpu_offset', 'nr_cpu_ids'] as const;

/** The free pages of one zone that a processor keeps for itself. */
export interface PerCpuPages {
  /** In all of its lists together. */
  readonly count: number;
  /** The address of the first list's `struct list_head`; the others follow. */
  readonly lists: bigint;
}

export const LIST_HEAD_BYTES = 16;

/** The kernel's zones: what they say of free pages. `struct pglist_data`, `zone`, `per_cpu_pages`, see mmzone.h. */
export class Zones {
  readonly #memory: VirtualMemory;
  readonly #info: VmcoreInfo;
  readonly #encodings: Encodings;
  readonly #perCpuOffsets: bigint;
  readonly #processors: number;
  readonly #pageset: number;
  readonly #count: number;
  readonly #lists: { readonly offset: number; readonly length: number };

  constructor(
    memory: VirtualMemory,
    info: VmcoreInfo,
    types: TypeInformation,
    encodings: Encodings,
    symbols: ReadonlyMap<string, bigint>,
  ) {
    const [offsets, processors] = zoneSymbols.map((name) => symbols.get(name));
    if (offsets === undefined || processors === undefined) {
      throw new Unsupported("the kernel's table of symbols lacks __per_cpu_offset or nr_cpu_ids");
    }
    const lists = types.member('per_cpu_pages', 'lists');
    this.#lists = { offset: lists.offset, length: types.arrayLength(lists.type) };
    this.#count = types.member('per_cpu_pages', 'count').offset;
    this.#pageset = types.member('zone', 'per_cpu_pageset').offset;
    this.#memory = memory;
    this.#info = info;
    this.#encodings = encodings;
    this.#perCpuOffsets = offsets;
    this.#processors = memory.readI32(processors) ?? 0;
    const { processors: count, lists: length } = { processors: this.#processors, lists: this.#lists.length };
    if (count < 1 || count > MOST_PROCESSORS) throw new Unsupported(`the guest has ${count} processors`);
    if (length < 1 || length > MOST_LISTS) throw new Unsupported(`a processor has ${length} lists of pages`);
  }

  /** What the kernel itself counts as free, without the lists of the processors. Exact to some dozens. */
  freePages(): number {
    const place = this.#info.offset('zone.vm_stat') + 8 * FREE_PAGES;
    let pages = 0;
    for (const zone of this.#zones()) {
      // A count that is being changed may be below zero for a moment.
      pages += Number(BigInt.asIntN(64, this.#memory.readU64(zone + BigInt(place)) ?? 0n));
    }
    return pages;
  }

  /** Of each of a processor's lists: its elements are blocks of 2^order pages. */
  listOrders(): number[] {
    const { types, costlyOrder, largeOrder } = this.#encodings.perCpuLists;
    return Array.from({ length: this.#lists.length }, (_, list) => {
      const group = Math.floor(list / types);
      return group > costlyOrder ? largeOrder : group;
    });
  }

  *perCpuPages(): Generator<PerCpuPages> {
    let visits = 0;
    for (const zone of this.#zones()) {
      const pageset = this.#memory.readU64(zone + BigInt(this.#pageset)) ?? 0n;
      for (let processor = 0; pageset !== 0n && processor < this.#processors; processor++) {
        const offset = this.#memory.readU64(this.#perCpuOffsets + BigInt(processor * 8));
        if (offset === undefined || ++visits > MOST_VISITS) return;
        const place = BigInt.asUintN(64, pageset + offset);
        const count = this.#memory.readI32(place + BigInt(this.#count)) ?? 0;
        yield { count, lists: place + BigInt(this.#lists.offset) };
      }
    }
  }

  *#zones(): Generator<bigint> {
    const nodes = this.#info.symbol('node_data');
    const nodeCount = Math.min(this.#info.length('node_data'), MOST_NODES);
    const zoneBytes = this.#info.size('zone');
    for (let node = 0; node < nodeCount; node++) {
      const data = this.#memory.readU64(nodes + BigInt(node * 8)) ?? 0n;
      if (data === 0n) continue;
      const zones = this.#memory.readI32(data + BigInt(this.#info.offset('pglist_data.nr_zones'))) ?? 0;
      const first = data + BigInt(this.#info.offset('pglist_data.node_zones'));
      for (let zone = 0; zone < Math.min(zones, MOST_ZONES); zone++) yield first + BigInt(zone * zoneBytes);
    }
  }
}
