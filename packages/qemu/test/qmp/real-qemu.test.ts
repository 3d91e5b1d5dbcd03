import { describe, expect, it } from 'vitest';
import { QmpClient } from '../../src/qmp/qmp-client.js';
import { BareQemu } from '../support/bare-qemu.js';
import { expectError } from '../support/expect-error.js';

describe('a QMP client of a real QEMU', () => {
  it('gets no greeting while another one is connected', async () => {
    const qemu = await BareQemu.start('-m', '64');
    try {
      const socket = `${qemu.folder}/qmp`;
      await expectError(QmpClient.connect(socket, { timeoutMs: 200 }), 'qmp-timeout', 'one client at a time');
      qemu.qmp.close();
      const second = await QmpClient.connect(socket);
      expect(second.greeting.version.qemu.major).toBeGreaterThanOrEqual(8);
      second.close();
    } finally {
      await qemu.kill();
    }
  });

  it('learns that QEMU died', async () => {
    const qemu = await BareQemu.start('-m', '64');
    const event = qemu.qmp.waitForEvent('STOP');
    process.kill(qemu.pid, 'SIGKILL');
    await expectError(event, 'qmp-closed');
    await qemu.kill();
  });
});
