import type { FakeLinux } from './fake-linux.js';

const kernelMap = 0xffff_ffff_8000_0000n;

interface Description {
  readonly fiveLevels: boolean;
  readonly memSection: bigint;
}

/** The lines of VMCOREINFO that describe a kernel. */
export function describeFakeLinux(
  linux: FakeLinux,
  description: Description,
): Map<string, string | undefined> {
  const { image, flags, series } = linux;
  const symbols = ['swapper_pg_dir', '_stext', 'init_uts_ns', 'node_data'];
  const tables = ['names', 'num_syms', 'token_table', 'token_index', 'offsets', 'relative_base'];
  const virtual = (name: string): [string, string] => [`SYMBOL(${name})`, image.virtual(name).toString(16)];
  const bitOf = (name: string): string => String(Math.log2(flags.get(name) ?? 0));
  const numbers = {
    phys_base: String(BigInt(image.start) - (image.virtual('_stext') - kernelMap)),
    pgtable_l5_enabled: description.fiveLevels ? '1' : '0',
    sme_mask: '0',
    SECTION_SIZE_BITS: '24',
    PG_lru: bitOf('lru'),
    PG_head_mask: String(flags.get('head')),
    PAGE_BUDDY_MAPCOUNT_VALUE: String(series === '6.1' ? -129 : 0xf0 << 24),
    ...(series === '6.12' ? { PAGE_HUGETLB_MAPCOUNT_VALUE: String(0xf4 << 24) } : {}),
  };
  const offsets = {
    'uts_namespace.name': 0,
    'mem_section.section_mem_map': 0,
    'page.flags': 0,
    'page.lru': 8,
    'page.compound_head': 8,
    'page.mapping': 24,
    'page.private': 40,
    'page._mapcount': 48,
    'page._refcount': 52,
    'pglist_data.node_zones': 0,
    'pglist_data.nr_zones': 4096,
    'zone.vm_stat': 256,
  };
  const sizes = { page: 64, mem_section: 16, zone: 1024 };
  const lengths = { mem_section: 2, node_data: 8, 'zone.free_area': 11 };
  const lines = (kind: string, values: Readonly<Record<string, string | number>>): [string, string][] =>
    Object.entries(values).map(([name, value]) => [`${kind}(${name})`, String(value)]);
  return new Map<string, string | undefined>([
    ['OSRELEASE', linux.release],
    ['PAGESIZE', '4096'],
    ...symbols.map(virtual),
    ...tables.map((name) => virtual(`kallsyms_${name}`)),
    ['SYMBOL(mem_section)', description.memSection.toString(16)],
    ...lines('NUMBER', numbers),
    ...lines('OFFSET', offsets),
    ...lines('SIZE', sizes),
    ...lines('LENGTH', lengths),
  ]);
}
