import { PageferryError } from '@pageferry/errors';
import { humanMonitor } from '../qmp/human-monitor.js';
import type { QmpClient, QmpOptions } from '../qmp/qmp-client.js';
import type { RamBlock } from './ram-blocks.js';

/** A stretch of guest-physical addresses behind which part of one RAM block lies. All in bytes. */
export interface GuestPhysicalRange {
  readonly start: number;
  readonly length: number;
  readonly blockName: string;
  readonly blockOffset: number;
  /** The guest cannot write there, be it that the block is a ROM or that the chipset protects this part of RAM. */
  readonly readOnly: boolean;
}

/**
 * Where the guest sees its RAM blocks, in ascending order. Firmware and guest move these while they run (shadowed
 * ROMs, PCI BARs), so it is a view of this moment, exact only while the guest is stopped. A block may be seen at
 * several places, in part, or not at all.
 */
export async function readGuestPhysicalRanges(
  qmp: QmpClient,
  blocks: readonly RamBlock[],
  options?: QmpOptions,
): Promise<GuestPhysicalRange[]> {
  const ranges: GuestPhysicalRange[] = [];
  for (const range of parseMemoryRanges(await humanMonitor(qmp, 'info mtree -f', options))) {
    const { start, length, readOnly } = range;
    const hostAddress = await readHostAddress(qmp, start, options);
    const block = blocks.find(
      (block) =>
        hostAddress !== undefined &&
        hostAddress >= block.hostAddress &&
        hostAddress < block.hostAddress + block.usedLength,
    );
    if (block === undefined || hostAddress === undefined) continue;
    const blockOffset = hostAddress - block.hostAddress;
    ranges.push({
      start,
      length: Math.min(length, block.usedLength - blockOffset),
      blockName: block.name,
      blockOffset,
      readOnly,
    });
  }
  return ranges;
}

export interface MemoryRange {
  readonly start: number;
  readonly length: number;
  readonly readOnly: boolean;
}

/**
 * The ranges of RAM and ROM in the address space of the processors, out of `info mtree -f` (mtree_print_flatview in
 * system/memory.c). The names in there do not tell two blocks of the same kind of device apart.
 */
export function parseMemoryRanges(text: string): MemoryRange[] {
  const view = text
    .split(/^FlatView #\d+\r?\n/m)
    .find((candidate) => /^ AS "memory", root: system\r?$/m.test(candidate));
  if (view === undefined) {
    throw new PageferryError('qemu-unexpected', 'info mtree -f: there is no address space "memory"');
  }
  return [
    ...view.matchAll(/^ {2}([\da-f]{16})-([\da-f]{16}) \(prio -?\d+, (?:nv-)?(ram|rom|romd)\): /gm),
  ].map(([, first = '', last = '', type]) => ({
    start: parseInt(first, 16),
    length: Number(BigInt(`0x${last}`) - BigInt(`0x${first}`)) + 1,
    readOnly: type !== 'ram',
  }));
}

/** @returns undefined if there is no RAM (any more) at this guest-physical address */
async function readHostAddress(
  qmp: QmpClient,
  address: number,
  options: QmpOptions | undefined,
): Promise<number | undefined> {
  const text = await humanMonitor(qmp, `gpa2hva 0x${address.toString(16)}`, options);
  const found = /\bis 0x([\da-f]+)\s*$/.exec(text)?.[1];
  return found === undefined ? undefined : parseInt(found, 16);
}
