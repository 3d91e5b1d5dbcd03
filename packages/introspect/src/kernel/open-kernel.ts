import type { PhysicalMemory } from '../memory/physical-memory.js';
import { PAGE_BYTES } from '../memory/guest-memory.js';
import type { VirtualMemory } from '../memory/virtual-memory.js';
import { Unsupported } from '../unsupported.js';
import { encodingsOf, type Encodings } from './encodings.js';
import { findSymbols } from './kallsyms.js';
import { pageLayoutOf, type PageLayout } from './page-layout.js';
import { PageSections } from './page-sections.js';
import { checkSections, openRunning } from './running-kernel.js';
import { TypeSource, typeSymbols } from './type-source.js';
import type { VmcoreInfo } from './vmcoreinfo.js';
import { Zones, zoneSymbols } from './zones.js';

/** A kernel that was found and understood. */
export interface Kernel {
  readonly info: VmcoreInfo;
  /** The address of the variable `mem_section`. */
  readonly sectionsPointer: bigint;
  readonly memory: VirtualMemory;
  readonly encodings: Encodings;
  readonly types: TypeSource;
  readonly page: PageLayout;
  readonly sections: PageSections;
  readonly zones: Zones;
}

/**
 * @param pageTables see {@link OpenOptions.pageTables}
 * @throws StaleCopy if this kernel does not run (any more); Unsupported if it is not known
 */
export function openKernel(
  physical: PhysicalMemory,
  info: VmcoreInfo,
  pageTables: readonly number[] | undefined,
): Kernel {
  const memory = openRunning(physical, info, pageTables);
  const encodings = encodingsOf(info.release);
  if (info.pageBytes !== PAGE_BYTES) throw new Unsupported(`the guest's pages have ${info.pageBytes} bytes`);
  if (info.number('sme_mask') !== 0) throw new Unsupported("the guest's memory is encrypted (SME)");

  const symbols = findSymbols(memory, info, [...wantedSymbols, ...typeSymbols, ...zoneSymbols]);
  if (symbols.get('_stext') !== info.symbol('_stext')) {
    throw new Unsupported("the kernel's table of symbols does not agree with VMCOREINFO");
  }
  const sectionsPointer = symbols.get('mem_section') ?? 0n;
  checkSections(memory, info, sectionsPointer);
  const poisoning = symbols.get('_page_poisoning_enabled');
  if (poisoning !== undefined && memory.readI32(poisoning) !== 0) {
    throw new Unsupported('the guest expects a pattern in its free pages (page_poison=1)');
  }
  const source = new TypeSource(memory, symbols);
  const types = source.readKernel();
  return {
    info,
    sectionsPointer,
    memory,
    encodings,
    types: source,
    page: pageLayoutOf(info, types, encodings),
    sections: new PageSections(memory, info),
    zones: new Zones(memory, info, types, encodings, symbols),
  };
}

/**
 * Makes sure that the kernel still runs, and forgets what is remembered of its page tables: the guest may have rebooted.
 * @throws StaleCopy if it does not
 */
export function checkStillRuns(
  physical: PhysicalMemory,
  kernel: Kernel,
  pageTables: readonly number[] | undefined,
): void {
  const { info, sectionsPointer } = kernel;
  kernel.memory.forget();
  checkSections(openRunning(physical, info, pageTables), info, sectionsPointer);
}

const wantedSymbols = ['_stext', 'mem_section', '_page_poisoning_enabled'];
