import { PageferryError } from '@pageferry/errors';
import { humanMonitor } from '../qmp/human-monitor.js';
import type { QmpClient, QmpOptions } from '../qmp/qmp-client.js';

/** A piece of guest memory that migrates, as QEMU has it in its address space. Lengths in bytes. */
export interface RamBlock {
  readonly name: string;
  /** What the guest has of it now; ROMs may grow up to {@link totalLength} while the firmware starts. */
  readonly usedLength: number;
  readonly totalLength: number;
  /** Of the host memory behind it: more than 4 KiB for huge pages. */
  readonly pageSize: number;
  /** Where the block begins in QEMU's own address space. */
  readonly hostAddress: number;
  /** The guest cannot write to it. */
  readonly readOnly: boolean;
}

/**
 * Every RAM block that migrates, in QEMU's order.
 * @throws `qemu-too-old` if QEMU (before 8.2) does not say where the blocks lie
 */
export async function readRamBlocks(qmp: QmpClient, options?: QmpOptions): Promise<RamBlock[]> {
  return parseRamBlocks(await humanMonitor(qmp, 'info ramblock', options));
}

/** Reads the table of `info ramblock` (ram_block_format in system/physmem.c). */
export function parseRamBlocks(text: string): RamBlock[] {
  const [header = '', ...lines] = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (!/^\s*Block Name\s+PSize\s+Offset\s+Used\s+Total/.test(header)) throw unexpected(header);
  if (!/\bHVA\b/.test(header)) {
    throw new PageferryError(
      'qemu-too-old',
      'this QEMU does not say at which host address its RAM blocks lie; pageferry needs 8.2 or newer',
    );
  }
  // A block without a name was never registered for migration.
  return lines.map(parseLine).filter(({ name }) => name !== '');
}

const LINE =
  /^(?<name>.*?)\s+(?<size>\d+) (?<unit>[KMGT]i)?B\s+0x[\da-f]+ 0x(?<used>[\da-f]+) 0x(?<total>[\da-f]+) 0x(?<host>[\da-f]+)(?:\s+(?<access>ro|rw))?$/;

const UNITS = new Map([
  [undefined, 1],
  ['Ki', 2 ** 10],
  ['Mi', 2 ** 20],
  ['Gi', 2 ** 30],
  ['Ti', 2 ** 40],
]);

function parseLine(line: string): RamBlock {
  const { name, size, unit, used, total, host, access } = LINE.exec(line)?.groups ?? {};
  const block = {
    name: (name ?? '').trim(),
    usedLength: parseInt(used ?? '', 16),
    totalLength: parseInt(total ?? '', 16),
    pageSize: Number(size) * (UNITS.get(unit) ?? NaN),
    hostAddress: parseInt(host ?? '', 16),
    readOnly: access === 'ro',
  };
  const numbers = [block.usedLength, block.totalLength, block.pageSize, block.hostAddress];
  if (!numbers.every(Number.isSafeInteger)) throw unexpected(line);
  return block;
}

function unexpected(line: string): PageferryError {
  return new PageferryError('qemu-unexpected', `info ramblock: cannot read the line ${JSON.stringify(line)}`);
}
