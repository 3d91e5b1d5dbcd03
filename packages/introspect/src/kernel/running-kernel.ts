import { PAGE_BYTES } from '../memory/guest-memory.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { VirtualMemory } from '../memory/virtual-memory.js';
import { StaleCopy, Unsupported } from '../unsupported.js';
import type { VmcoreInfo } from './vmcoreinfo.js';

/** Where the kernel's image is mapped: __START_KERNEL_map, arch/x86/include/asm/page_64_types.h. */
const KERNEL_MAP = 0xffff_ffff_8000_0000n;
/** `release` within `struct new_utsname`: behind two fields of 65 characters. */
const RELEASE_OFFSET = 130n;
const RELEASE_BYTES = 65;
/**
 * The virtual memory of the kernel that VMCOREINFO describes.
 * @throws StaleCopy if it does not run (any more)
 */
export function openRunning(
  physical: PhysicalMemory,
  info: VmcoreInfo,
  pageTables: readonly number[] | undefined,
): VirtualMemory {
  const memory = openVirtualMemory(physical, info, pageTables);
  checkRelease(memory, info);
  return memory;
}

/** @throws StaleCopy if the variable `mem_section` has another value than VMCOREINFO says */
export function checkSections(
  memory: VirtualMemory,
  { info, symbols }: { readonly info: VmcoreInfo; readonly symbols: ReadonlyMap<string, bigint> },
): void {
  if (memory.readU64(symbols.get('mem_section') ?? 0n) !== info.symbol('mem_section')) {
    throw new StaleCopy('the sections of memory are not where VMCOREINFO says: is it a stale copy?');
  }
}

function openVirtualMemory(
  physical: PhysicalMemory,
  info: VmcoreInfo,
  pageTables: readonly number[] | undefined,
): VirtualMemory {
  const fiveLevels = info.number('pgtable_l5_enabled');
  if (fiveLevels !== 0 && fiveLevels !== 1) throw new Unsupported(`pgtable_l5_enabled is ${fiveLevels}`);
  const physicalBase = BigInt(info.number('phys_base'));
  const imageAddress = (symbol: bigint): number => Number(symbol - KERNEL_MAP + physicalBase);
  const levels = fiveLevels === 1 ? 5 : 4;
  const text = info.symbol('_stext');
  const mapsKernel = (tables: VirtualMemory): boolean =>
    tables.translate(text)?.physical === imageAddress(text);
  const root = imageAddress(info.symbol('swapper_pg_dir'));
  const memory = new VirtualMemory(physical, root, levels);
  if (!mapsKernel(memory)) {
    throw new StaleCopy('the page tables do not map the kernel to where it should be: is it a stale copy?');
  }
  const isInUse = rootsOf(pageTables ?? [root]).some((used) =>
    mapsKernel(new VirtualMemory(physical, used, levels)),
  );
  if (!isInUse) throw new StaleCopy('no processor uses the page tables of this kernel: is it a stale copy?');
  return memory;
}

/**
 * The top tables that registers CR3 name. With page-table isolation a process has two of them side by side, and its own
 * one, the second, does not map the kernel.
 */
function rootsOf(pageTables: readonly number[]): number[] {
  return pageTables.flatMap((value) => {
    const page = Math.floor(value / PAGE_BYTES);
    return [page, page - (page % 2)].map((number) => number * PAGE_BYTES);
  });
}

function checkRelease(memory: VirtualMemory, info: VmcoreInfo): void {
  const bytes = new Uint8Array(RELEASE_BYTES);
  const names = info.symbol('init_uts_ns') + BigInt(info.offset('uts_namespace.name'));
  const known = memory.read(names + RELEASE_OFFSET, bytes);
  const release = new TextDecoder('latin1').decode(bytes.subarray(0, Math.max(0, bytes.indexOf(0))));
  if (!known || release !== info.release) {
    throw new StaleCopy('the kernel is another one than VMCOREINFO says: is it a stale copy?');
  }
}
