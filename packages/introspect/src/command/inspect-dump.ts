import { writeFileSync } from 'node:fs';
import type { PageCounts } from '../pages/page-class.js';
import { openGuest } from '../open-guest.js';
import { RawDump } from './raw-dump.js';

export interface InspectFlags {
  /** A file for the classes: a byte a page. */
  readonly classes?: string;
}

/** What the command prints. */
export type DumpReport =
  | { readonly unsupported: string }
  | {
      readonly release: string;
      readonly pages: number;
      readonly counts: PageCounts;
      readonly freePagesByKernel: number;
      /** Of a processor, for finding the kernel and for the classes: what the machine does besides does not count. */
      readonly findProcessorMs: number;
      readonly classifyProcessorMs: number;
    };

/** @throws PageferryError `memory-unreadable` */
export async function inspectDump(path: string, flags: InspectFlags): Promise<DumpReport> {
  const dump = new RawDump(path);
  try {
    const begin = processorMs();
    const guest = await openGuest(dump);
    if (guest.kind === 'unsupported') return { unsupported: guest.reason };
    const found = processorMs();
    const pages = await guest.classify();
    if (pages.kind === 'unsupported') return { unsupported: pages.reason };
    const { counts, freePagesByKernel, classes } = pages;
    const classified = processorMs();
    if (flags.classes !== undefined) writeFileSync(flags.classes, classes);
    return {
      release: guest.release,
      pages: guest.pageCount,
      counts,
      freePagesByKernel,
      findProcessorMs: Math.round(found - begin),
      classifyProcessorMs: Math.round(classified - found),
    };
  } finally {
    dump.close();
  }
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
