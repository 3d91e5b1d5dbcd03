import { afterEach, describe, expect, it } from 'vitest';
import { continueGuest, quit, runState, stopGuest } from '../../src/machine/guest-control.js';
import { BareQemu } from '../support/bare-qemu.js';

describe('guest control', () => {
  let qemu: BareQemu | undefined;
  afterEach(async () => {
    await qemu?.kill();
  });

  it('stops the guest and lets it run on', async () => {
    const { qmp } = (qemu = await BareQemu.start('-m', '64'));
    expect(await runState(qmp)).toEqual({ status: 'running', running: true });
    await stopGuest(qmp);
    await stopGuest(qmp);
    expect(await runState(qmp)).toEqual({ status: 'paused', running: false });
    const resumed = qmp.waitForEvent('RESUME');
    await continueGuest(qmp);
    await resumed;
    expect(await runState(qmp)).toEqual({ status: 'running', running: true });
  });

  it('ends QEMU', async () => {
    const { qmp } = (qemu = await BareQemu.start('-m', '64'));
    await quit(qmp);
    expect(await qmp.closed).toMatchObject({ code: 'qmp-closed' });
  });
});
