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

/** Where the kernel has what is to be known of its zones' free pages; offsets in bytes. */
export interface ZoneLayout {
  /** Addresses of the variables `__per_cpu_offset` and `nr_cpu_ids`. */
  readonly perCpuOffsets: bigint;
  readonly processors: bigint;
  /** `zone.per_cpu_pageset` */
  readonly pageset: number;
  /** `per_cpu_pages.count` */
  readonly count: number;
  /** `per_cpu_pages.lists`: an array of so many. */
  readonly lists: { readonly offset: number; readonly length: number };
}

export function zoneLayoutOf(types: TypeInformation, symbols: ReadonlyMap<string, bigint>): ZoneLayout {
  const [perCpuOffsets, processors] = zoneSymbols.map((name) => symbols.get(name));
  if (perCpuOffsets === undefined || processors === undefined) {
    throw new Unsupported("the kernel's table of symbols lacks __per_cpu_offset or nr_cpu_ids");
  }
  const lists = types.member('per_cpu_pages', 'lists');
  const length = types.arrayLength(lists.type);
  if (length < 1 || length > MOST_LISTS) throw new Unsupported(`a processor has ${length} lists of pages`);
  return {
    perCpuOffsets,
    processors,
    pageset: types.member('zone', 'per_cpu_pageset').offset,
    count: types.member('per_cpu_pages', 'count').offset,
    lists: { offset: lists.offset, length },
  };
}

/** The kernel's zones: what they say of free pages. `struct pglist_data`, `zone`, `per_cpu_pages`, see mmzone.h. */
export class Zones {
  readonly #memory: VirtualMemory;
  readonly #info: VmcoreInfo;
  readonly #encodings: Encodings;
  readonly #layout: ZoneLayout;
  readonly #processors: number;

  constructor(memory: VirtualMemory, info: VmcoreInfo, encodings: Encodings, layout: ZoneLayout) {
    this.#memory = memory;
    this.#info = info;
    this.#encodings = encodings;
    this.#layout = layout;
    const count = memory.readI32(layout.processors) ?? 0;
    if (count < 1 || count > MOST_PROCESSORS) throw new Unsupported(`the guest has ${count} processors`);
    this.#processors = count;
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
    return Array.from({ length: this.#layout.lists.length }, (_, list) => {
      const group = Math.floor(list / types);
      return group > costlyOrder ? largeOrder : group;
    });
  }

  *perCpuPages(): Generator<PerCpuPages> {
    const { perCpuOffsets, pageset: pagesetOffset, count: countOffset, lists } = this.#layout;
    let visits = 0;
    for (const zone of this.#zones()) {
      const pageset = this.#memory.readU64(zone + BigInt(pagesetOffset)) ?? 0n;
      for (let processor = 0; pageset !== 0n && processor < this.#processors; processor++) {
        const offset = this.#memory.readU64(perCpuOffsets + BigInt(processor * 8));
        if (offset === undefined || ++visits > MOST_VISITS) return;
        const place = BigInt.asUintN(64, pageset + offset);
        const count = this.#memory.readI32(place + BigInt(countOffset)) ?? 0;
        yield { count, lists: place + BigInt(lists.offset) };
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
