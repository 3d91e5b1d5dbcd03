import type { MachineDescription } from '@pageferry/qemu';

/** Of a running guest without memory. */
export const anyMachine: MachineDescription = {
  version: '10.0.2',
  machineType: 'pc',
  accelerator: 'tcg',
  cpuType: 'qemu64',
  vcpus: 1,
  runState: 'running',
  migrationStatus: 'none',
  blockedReasons: [],
  ramBlocks: [],
  capabilities: {},
};
