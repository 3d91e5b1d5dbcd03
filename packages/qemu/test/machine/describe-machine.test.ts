import { Value } from '@sinclair/typebox/value';
import { afterEach, describe, expect, it } from 'vitest';
import { describeMachine, MachineDescriptionSchema } from '../../src/machine/describe-machine.js';
import { BareQemu, FIRMWARE } from '../support/bare-qemu.js';

describe('describeMachine', () => {
  let qemu: BareQemu | undefined;
  afterEach(async () => {
    await qemu?.kill();
  });

  it('describes a running pc', async () => {
    qemu = await BareQemu.start('-machine', 'pc', '-m', '64', '-smp', '2', '-cpu', 'Nehalem');
    const machine = await describeMachine(qemu.qmp);
    expect(machine.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(machine.machineType).toMatch(/^pc-i440fx-\d+\.\d+$/);
    expect(machine).toMatchObject({
      accelerator: 'tcg',
      cpuType: 'Nehalem-x86_64-cpu',
      vcpus: 2,
      runState: 'running',
      migrationStatus: 'none',
      blockedReasons: [],
      capabilities: { 'return-path': false, 'switchover-ack': false, 'postcopy-ram': false },
    });
    expect(machine.ramBlocks).toContainEqual({
      name: 'pc.ram',
      length: 64 << 20,
      maxLength: 64 << 20,
      pageSize: 4096,
    });
  });

  it('describes a q35 that waits for a guest', async () => {
    qemu = await BareQemu.start('-machine', 'q35', '-m', '64', '-incoming', 'defer', ...FIRMWARE.ovmf);
    const machine = await describeMachine(qemu.qmp);
    expect(machine.machineType).toMatch(/^pc-q35-/);
    expect(machine).toMatchObject({ runState: 'inmigrate', migrationStatus: 'none', vcpus: 1 });
    expect(machine.ramBlocks.map(({ name }) => name)).toContain('system.flash1');
  });

  it("keeps QEMU's reasons against a migration", async () => {
    qemu = await BareQemu.start('-machine', 'pc', '-m', '64');
    const { qmp, folder } = qemu;
    await qmp.execute('blockdev-add', { driver: 'vvfat', 'node-name': 'fat', dir: folder, rw: true });
    expect((await describeMachine(qmp)).blockedReasons).toContain(
      "The vvfat (rw) format used by node 'fat' does not support live migration",
    );
  });

  it('survives the wire', async () => {
    qemu = await BareQemu.start('-machine', 'pc', '-m', '64');
    const machine = await describeMachine(qemu.qmp);
    const received: unknown = JSON.parse(JSON.stringify(machine));
    expect(Value.Check(MachineDescriptionSchema, received)).toBe(true);
    expect(received).toEqual(machine);
  });
});
