import { Unsupported } from '../unsupported.js';

/**
 * How kernels say what a page is used for, where it differs from version to version and neither VMCOREINFO nor BTF
 * says it. Only series that the tests run on are here; what is not here is not guessed.
 */
export interface Encodings {
  readonly series: string;
  /**
   * How a slab is marked. `flag`: PG_slab of `page->flags` (include/linux/page-flags.h up to 6.9).
   * `type`: the top byte of `page->page_type` (PGTY_slab since 6.12, the same file).
   */
  readonly slab: 'flag' | 'type';
  /**
   * Where the mappings of a large folio as a whole are counted, -1 being none: `page[1].compound_mapcount` (6.1,
   * include/linux/mm_types.h, struct page), `folio->_large_mapcount` (since 6.10, struct folio).
   */
  readonly largeMapcount: { readonly structure: 'page' | 'folio'; readonly member: string };
  /** Whether a page of a large folio has a number of mappings of its own that the one above leaves out. */
  readonly ownMapcounts: boolean;
  /**
   * Lists of single pages, pairs, ... of one CPU: as many of each order as there are types to free to
   * (MIGRATE_PCPTYPES), orders 0 to PAGE_ALLOC_COSTLY_ORDER; behind them those of `largeOrder`, pageblock_order in 6.1,
   * HPAGE_PMD_ORDER in 6.12. (include/linux/mmzone.h NR_PCP_LISTS, mm/page_alloc.c pindex_to_order)
   */
  readonly perCpuLists: { readonly types: number; readonly costlyOrder: number; readonly largeOrder: number };
  /**
   * What in xfs's `struct xfs_ifork` points to the root of a file's extents: the union `if_u1` up to 6.7, `if_data` since 6.8
   * (fs/xfs/libxfs/xfs_inode_fork.h).
   */
  readonly xfsExtentRoot: 'if_u1' | 'if_data';
}

const perCpuLists = { types: 3, costlyOrder: 3, largeOrder: 9 } as const;

const table: readonly Encodings[] = [
  {
    series: '6.1',
    slab: 'flag',
    largeMapcount: { structure: 'page', member: 'compound_mapcount' },
    ownMapcounts: true,
    perCpuLists,
    xfsExtentRoot: 'if_u1',
  },
  {
    series: '6.12',
    slab: 'type',
    largeMapcount: { structure: 'folio', member: '_large_mapcount' },
    ownMapcounts: false,
    perCpuLists,
    xfsExtentRoot: 'if_data',
  },
];

/** @param release as `uname -r` has it */
export function encodingsOf(release: string): Encodings {
  const series = /^(\d{1,3}\.\d{1,4})[.\-+]/.exec(release)?.[1];
  const encodings = table.find((candidate) => candidate.series === series);
  if (encodings === undefined) {
    const known = table.map((candidate) => candidate.series).join(' and ');
    throw new Unsupported(`the guest runs Linux ${release}; of Linux, ${known} are known`);
  }
  return encodings;
}
