import { afterEach, describe, expect, it } from 'vitest';
import { continueGuest, quit, runAgain, runState, stopGuest } from '../../src/machine/guest-control.js';
import { answeringQemu } from '../support/answering-qemu.js';
import { BareQemu } from '../support/bare-qemu.js';
import { expectError } from '../support/expect-error.js';

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

describe('a guest that is run again', () => {
  /** A QEMU that says the guest is stopped, and refuses to run it so often. */
  async function refusingQemu(refusals: number) {
    const asked = { times: 0, running: false };
    const qmp = await answeringQemu((command) => {
      if (command === 'query-status') return { status: 'postmigrate', running: asked.running };
      asked.times++;
      if (asked.times <= refusals) throw new Error('Migration is not finalized yet');
      asked.running = true;
      return {};
    });
    return { asked, qmp };
  }

  it('is, as soon as QEMU no longer refuses to', async () => {
    const { asked, qmp } = await refusingQemu(2);
    await runAgain(qmp, 10_000);
    expect(asked).toEqual({ times: 3, running: true });
  });

  it('is left alone if it runs', async () => {
    const { asked, qmp } = await refusingQemu(0);
    asked.running = true;
    await runAgain(qmp, 10_000);
    expect(asked.times).toBe(0);
  });

  it('is not, with what QEMU says, if it refuses for too long', async () => {
    const { qmp } = await refusingQemu(Infinity);
    await expectError(runAgain(qmp, 150), 'qmp-command', 'Migration is not finalized yet');
  });
});
