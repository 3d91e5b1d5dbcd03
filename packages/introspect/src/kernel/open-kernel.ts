import type { PhysicalMemory } from '../memory/physical-memory.js';
import { PAGE_BYTES } from '../memory/guest-memory.js';
import type { VirtualMemory } from '../memory/virtual-memory.js';
import { StaleCopy, Unsupported } from '../unsupported.js';
import { encodingsOf, type Encodings } from './encodings.js';
import { isStillThere, type FoundVmcoreInfo } from './find-vmcoreinfo.js';
import { findSymbols } from './kallsyms.js';
import { pageLayoutOf, type PageLayout } from './page-layout.js';
import { PageSections } from './page-sections.js';
import { checkSections, openRunning } from './running-kernel.js';
import { TypeSource, typeSymbols } from './type-source.js';
import { zoneLayoutOf, Zones, zoneSymbols, type ZoneLayout } from './zones.js';

/** What has been found out of a kernel; it stays so for as long as this one runs. */
export interface KnownKernel extends FoundVmcoreInfo {
  readonly encodings: Encodings;
  readonly symbols: ReadonlyMap<string, bigint>;
  readonly page: PageLayout;
  readonly zoneLayout: ZoneLayout;
}

/** A kernel that was found and understood. */
export interface Kernel extends KnownKernel {
  readonly memory: VirtualMemory;
  readonly types: TypeSource;
  readonly sections: PageSections;
  readonly zones: Zones;
}

/**
 * @param pageTables see {@link OpenOptions.pageTables}
 * @throws StaleCopy if this kernel does not run (any more); Unsupported if it is not known
 */
export function openKernel(
  physical: PhysicalMemory,
  found: FoundVmcoreInfo,
  pageTables: readonly number[] | undefined,
): Kernel {
  const { info } = found;
  const memory = openRunning(physical, info, pageTables);
  const encodings = encodingsOf(info.release);
  if (info.pageBytes !== PAGE_BYTES) throw new Unsupported(`the guest's pages have ${info.pageBytes} bytes`);
  if (info.number('sme_mask') !== 0) throw new Unsupported("the guest's memory is encrypted (SME)");

  const symbols = findSymbols(memory, info, [...wantedSymbols, ...typeSymbols, ...zoneSymbols]);
  if (symbols.get('_stext') !== info.symbol('_stext')) {
    throw new Unsupported("the kernel's table of symbols does not agree with VMCOREINFO");
  }
  checkVariables(memory, { info, symbols });
  const types = new TypeSource(memory, symbols).readKernel();
  const page = pageLayoutOf(info, types, encodings);
  return kernelIn(memory, { ...found, encodings, symbols, page, zoneLayout: zoneLayoutOf(types, symbols) });
}

/**
 * As {@link openKernel}, of a kernel that was found before.
 * @throws StaleCopy if it does not run any more; Unsupported if it is no longer as it was
 */
export function reopenKernel(
  physical: PhysicalMemory,
  known: KnownKernel,
  pageTables: readonly number[] | undefined,
): Kernel {
  if (!isStillThere(physical, known)) throw new StaleCopy('VMCOREINFO is not where it was');
  const memory = openRunning(physical, known.info, pageTables);
  checkVariables(memory, known);
  return kernelIn(memory, known);
}

function kernelIn(memory: VirtualMemory, known: KnownKernel): Kernel {
  const { info, encodings, symbols, zoneLayout } = known;
  return {
    ...known,
    memory,
    types: new TypeSource(memory, symbols),
    sections: new PageSections(memory, info),
    zones: new Zones(memory, info, encodings, zoneLayout),
  };
}

/** @throws StaleCopy if this kernel does not run (any more); Unsupported if it wants something else of free pages */
function checkVariables(memory: VirtualMemory, known: Pick<KnownKernel, 'info' | 'symbols'>): void {
  checkSections(memory, known);
  const poisoning = known.symbols.get('_page_poisoning_enabled');
  if (poisoning !== undefined && memory.readI32(poisoning) !== 0) {
    throw new Unsupported('the guest expects a pattern in its free pages (page_poison=1)');
  }
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
  kernel.memory.forget();
  checkSections(openRunning(physical, kernel.info, pageTables), kernel);
}

const wantedSymbols = ['_stext', 'mem_section', '_page_poisoning_enabled'];
