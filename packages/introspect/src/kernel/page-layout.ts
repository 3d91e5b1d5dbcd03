import { Unsupported } from '../unsupported.js';
import type { TypeInformation } from './btf.js';
import type { Encodings } from './encodings.js';
import type { VmcoreInfo } from './vmcoreinfo.js';

/** What is to be known of `struct page`. All positions are in words of 32 bits from the beginning of one. */
export interface PageLayout {
  readonly words: number;
  readonly flags: number;
  /** Of a page behind the first one of a compound page: the address of the first one, plus one. */
  readonly compoundHead: number;
  /** By which pages are linked in lists. */
  readonly lru: number;
  readonly mapping: number;
  /** Of a free block: its order. */
  readonly order: number;
  readonly mapcount: number;
  readonly refcount: number;
  /** Counted from the first page of a large folio. */
  readonly largeMapcount: number;
  readonly ownMapcounts: boolean;
  /** In place of the number of mappings: the first page of a free block. */
  readonly freeBlock: number;
  /** The top byte of the same word: a page of hugetlbfs; undefined where these are not marked there. */
  readonly hugetlb: number | undefined;
  /** Orders of free blocks are below. */
  readonly orders: number;
  readonly bits: FlagBits;
}

/** Bits of `page->flags`, all among the lower 32. */
export interface FlagBits {
  /** All flags: none is set in a free page, but that PG_uptodate of a block's first page has another meaning. */
  readonly all: number;
  readonly uptodate: number;
  readonly head: number;
  /** PG_slab and PG_reserved: the kernel's own. */
  readonly kernel: number;
  readonly swapBacked: number;
  /** What a clean page of a file has, and what it has not, that can be taken from it. */
  readonly clean: FlagPattern;
  /** The same of one that holds what its file does, whether or not it can be taken. */
  readonly unchanged: FlagPattern;
}

export interface FlagPattern {
  readonly mask: number;
  readonly value: number;
}

const LARGEST_STRUCT_PAGE = 256;
const MOST_ORDERS = 16;
const MOST_FLAGS = 31;

export function pageLayoutOf(info: VmcoreInfo, types: TypeInformation, encodings: Encodings): PageLayout {
  const bytes = info.size('page');
  if (bytes < 56 || bytes > LARGEST_STRUCT_PAGE || bytes % 8 !== 0) {
    throw new Unsupported(`struct page has ${bytes} bytes`);
  }
  const wordOf = (offset: number, limit: number): number => {
    if (offset % 4 !== 0 || offset + 8 > limit) throw new Unsupported('struct page is laid out strangely');
    return offset / 4;
  };
  const member = (name: string): number => wordOf(info.offset(`page.${name}`), bytes);
  const { structure, member: largeMapcount } = encodings.largeMapcount;
  const offsetFromHead = types.member(structure, largeMapcount).offset + (structure === 'page' ? bytes : 0);
  const orders = info.length('zone.free_area');
  if (orders < 1 || orders > MOST_ORDERS) throw new Unsupported(`free blocks have ${orders} orders`);
  return {
    words: bytes / 4,
    flags: member('flags'),
    compoundHead: member('compound_head'),
    lru: member('lru'),
    mapping: member('mapping'),
    order: member('private'),
    mapcount: member('_mapcount'),
    refcount: member('_refcount'),
    largeMapcount: wordOf(offsetFromHead, 2 * bytes),
    ownMapcounts: encodings.ownMapcounts,
    freeBlock: info.number('PAGE_BUDDY_MAPCOUNT_VALUE') | 0,
    hugetlb: info.hasNumber('PAGE_HUGETLB_MAPCOUNT_VALUE')
      ? info.number('PAGE_HUGETLB_MAPCOUNT_VALUE') >>> 24
      : undefined,
    orders,
    bits: flagBitsOf(info, types, encodings),
  };
}

/** VMCOREINFO has some of the flags, BTF all of them (`enum pageflags`): where both have one, they must agree. */
function flagBitsOf(info: VmcoreInfo, types: TypeInformation, encodings: Encodings): FlagBits {
  const numbers = types.enumeration('pageflags');
  const count = numbers.get('__NR_PAGEFLAGS') ?? 0;
  if (count < 1 || count > MOST_FLAGS) throw new Unsupported(`pages have ${count} flags`);
  const bit = (name: string): number => {
    const number = numbers.get(name) ?? -1;
    if (number < 0 || number >= count) throw new Unsupported(`the kernel has no page flag ${name}`);
    if (info.hasNumber(name) && info.number(name) !== number) {
      throw new Unsupported(`VMCOREINFO and BTF do not agree on ${name}`);
    }
    return 1 << number;
  };
  const head = bit('PG_head');
  if (info.number('PG_head_mask') !== head)
    throw new Unsupported('VMCOREINFO and BTF do not agree on PG_head');
  const changed =
    bit('PG_dirty') |
    bit('PG_writeback') |
    bit('PG_locked') |
    bit('PG_swapbacked') |
    (numbers.has('PG_hwpoison') ? bit('PG_hwpoison') : 0);
  const uptodate = bit('PG_uptodate');
  const set = bit('PG_lru') | uptodate;
  return {
    all: 2 ** count - 1,
    uptodate,
    head,
    kernel: bit('PG_reserved') | (encodings.slab === 'flag' ? bit('PG_slab') : 0),
    swapBacked: bit('PG_swapbacked'),
    clean: { mask: set | changed | bit('PG_unevictable'), value: set },
    unchanged: { mask: uptodate | changed, value: uptodate },
  };
}
