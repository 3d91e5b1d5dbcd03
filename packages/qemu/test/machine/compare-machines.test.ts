import { describe, expect, it } from 'vitest';
import { compareMachines } from '../../src/machine/compare-machines.js';
import type { MachineDescription } from '../../src/machine/describe-machine.js';

const MiB = 2 ** 20;

const block = (name: string, length: number, pageSize = 4096, maxLength = length) => ({
  ...{ name, length, maxLength, pageSize },
});

const source: MachineDescription = {
  version: '10.0.2',
  machineType: 'pc-q35-8.2',
  accelerator: 'kvm',
  cpuType: 'Nehalem-x86_64-cpu',
  vcpus: 2,
  runState: 'running',
  migrationStatus: 'none',
  blockedReasons: [],
  ramBlocks: [block('pc.ram', 512 * MiB), block('/rom@etc/acpi/tables', 131_072, 4096, 2 * MiB)],
  capabilities: {},
};
const destination: MachineDescription = { ...source, runState: 'inmigrate' };

const compare = (
  changed: { source?: Partial<MachineDescription>; destination?: Partial<MachineDescription> },
  postcopy = false,
): string[] =>
  compareMachines({ ...source, ...changed.source }, { ...destination, ...changed.destination }, { postcopy });

describe('compareMachines', () => {
  it('finds nothing where both fit', () => {
    expect(compare({}, true)).toEqual([]);
  });

  it('lets a guest move between versions, in both directions', () => {
    expect(compare({ source: { version: '8.2.0' } })).toEqual([]);
    expect(compare({ destination: { version: '8.2.0' } })).toEqual([]);
  });

  it('lets a guest move that is stopped, or that moved before', () => {
    expect(compare({ source: { runState: 'paused', migrationStatus: 'cancelled' } })).toEqual([]);
  });

  it('lets QEMU resize what can be resized', () => {
    const larger = [block('pc.ram', 512 * MiB), block('/rom@etc/acpi/tables', MiB, 4096, 2 * MiB)];
    expect(compare({ source: { ramBlocks: larger } })).toEqual([]);
    const largest = [block('pc.ram', 512 * MiB), block('/rom@etc/acpi/tables', 4 * MiB)];
    expect(compare({ source: { ramBlocks: largest } })).toHaveLength(1);
  });

  it.each([
    ['a version that is too old', { source: { version: '7.2.22' } }, 'On the source, this is QEMU 7.2.22'],
    ['another one', { destination: { version: '8.1.5' } }, 'On the destination, this is QEMU 8.1.5'],
    [
      'another machine type',
      { destination: { machineType: 'pc-i440fx-10.0' } },
      'The machine type differs: pc-q35-8.2 on the source, pc-i440fx-10.0 on the destination.',
    ],
    ['more vCPUs', { destination: { vcpus: 4 } }, 'The number of vCPUs differs: 2 on the source, 4 on'],
    ['another processor', { source: { cpuType: 'max-x86_64-cpu' } }, 'The processor type differs: max'],
    ['another accelerator', { destination: { accelerator: 'tcg' as const } }, 'The accelerator differs: kvm'],
    [
      'less RAM',
      { destination: { ramBlocks: [block('pc.ram', 256 * MiB), ...source.ramBlocks.slice(1)] } },
      'The RAM block pc.ram has 536870912 bytes on the source and 268435456 on the destination.',
    ],
    [
      'a block that is not there',
      { destination: { ramBlocks: source.ramBlocks.slice(1) } },
      'The destination has no RAM block pc.ram.',
    ],
    [
      'a block too many',
      { destination: { ramBlocks: [...source.ramBlocks, block('vga.vram', 16 * MiB)] } },
      'The source has no RAM block vga.vram, the destination has one.',
    ],
    [
      'a guest in trouble',
      { source: { runState: 'io-error' } },
      'The guest on the source is in the state io-error',
    ],
    ['a migration that goes on', { source: { migrationStatus: 'active' } }, 'is in a migration already'],
    [
      'a reason of QEMU itself',
      { source: { blockedReasons: ['the device x is not migratable.'] } },
      'The QEMU on the source cannot migrate this guest: the device x is not migratable.',
    ],
    [
      'a guest on the destination',
      { destination: { runState: 'running' } },
      'does not wait for a guest, it is running',
    ],
    [
      'a destination in use',
      { destination: { migrationStatus: 'setup' } },
      'had an incoming migration before',
    ],
  ])('finds %s', (_what, changed, finding) => {
    expect(compare(changed)).toEqual([expect.stringContaining(finding)]);
  });

  it('minds the size of host pages for post-copy only', () => {
    const huge = [block('pc.ram', 512 * MiB, 2 * MiB), ...source.ramBlocks.slice(1)];
    expect(compare({ source: { ramBlocks: huge } })).toEqual([]);
    expect(compare({ source: { ramBlocks: huge } }, true)).toEqual([
      expect.stringContaining('host pages of 2097152 bytes on the source and of 4096'),
    ]);
  });

  it('finds everything at once', () => {
    expect(
      compare({ source: { version: '7.0.0', vcpus: 1, ramBlocks: [] }, destination: { runState: 'paused' } }),
    ).toHaveLength(5);
  });
});
