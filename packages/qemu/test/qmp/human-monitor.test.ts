import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { humanMonitor } from '../../src/qmp/human-monitor.js';
import { BareQemu } from '../support/bare-qemu.js';
import { expectError } from '../support/expect-error.js';

describe('humanMonitor', () => {
  let qemu: BareQemu;
  beforeAll(async () => {
    qemu = await BareQemu.start('-m', '64');
  });
  afterAll(async () => {
    await qemu.kill();
  });

  it('gives the text', async () => {
    expect(await humanMonitor(qemu.qmp, 'info status')).toBe('VM status: running\r\n');
    expect(await humanMonitor(qemu.qmp, 'info ramblock')).toContain('pc.ram');
  });

  it.each([
    ['nonsense', "unknown command: 'nonsense'"],
    ['info nonsense', "unknown command: 'info nonsense'"],
    ['info status now', 'extraneous characters'],
    ['pmemsave 0', 'unexpected end of expression'],
    ['device_del nothing', "Device 'nothing' not found"],
  ])('reports that %j failed', async (command, text) => {
    await expectError(humanMonitor(qemu.qmp, command), 'qmp-command', `${command}: `, text);
  });
});
