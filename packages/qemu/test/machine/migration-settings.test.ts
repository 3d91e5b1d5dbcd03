import { Type } from '@sinclair/typebox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MigrationSettings } from '../../src/machine/migration-settings.js';
import { BareQemu } from '../support/bare-qemu.js';
import { expectError } from '../support/expect-error.js';

describe('MigrationSettings', () => {
  let qemu: BareQemu;
  beforeEach(async () => {
    qemu = await BareQemu.start('-machine', 'pc', '-m', '64');
  });
  afterEach(async () => {
    await qemu.kill();
  });

  const all = async (): Promise<unknown[]> => [
    await qemu.qmp.execute('query-migrate-capabilities'),
    await qemu.qmp.execute('query-migrate-parameters'),
  ];
  const enabled = async (): Promise<string[]> => {
    const schema = Type.Array(Type.Object({ capability: Type.String(), state: Type.Boolean() }));
    const list = await qemu.qmp.executeAs(schema, 'query-migrate-capabilities');
    return list.filter(({ state }) => state).map(({ capability }) => capability);
  };

  it('sets what is asked for and puts back what was before', async () => {
    await qemu.qmp.execute('migrate-set-capabilities', {
      capabilities: [{ capability: 'events', state: true }],
    });
    await qemu.qmp.execute('migrate-set-parameters', { 'downtime-limit': 77 });
    const before = await all();

    const restore = await MigrationSettings.apply(qemu.qmp, {
      capabilities: { 'return-path': true, 'switchover-ack': true, events: false },
      parameters: { 'downtime-limit': 1, 'max-bandwidth': 1e12 },
    });
    expect((await enabled()).toSorted()).toEqual(['return-path', 'switchover-ack']);
    expect(await qemu.qmp.execute('query-migrate-parameters')).toMatchObject({
      'downtime-limit': 1,
      'max-bandwidth': 1e12,
    });

    await restore();
    expect(await all()).toEqual(before);
  });

  it('refuses what QEMU does not know, and changes nothing', async () => {
    const before = await all();
    for (const settings of [
      { capabilities: { 'return-path': true, telepathy: true } },
      { capabilities: { 'return-path': true }, parameters: { 'warp-factor': 9 } },
    ]) {
      await expectError(MigrationSettings.apply(qemu.qmp, settings), 'qemu-too-old', 'does not know');
    }
    expect(await all()).toEqual(before);
  });

  it('does without what is optional, and without what is to be off', async () => {
    const restore = await MigrationSettings.apply(
      qemu.qmp,
      {
        capabilities: { 'return-path': true, telepathy: true, 'not-yet': false },
        parameters: { 'warp-factor': 9 },
      },
      { optional: ['telepathy', 'warp-factor'] },
    );
    expect(await enabled()).toEqual(['return-path']);
    await restore();
    expect(await enabled()).toEqual([]);
  });

  it('puts the capabilities back when QEMU refuses a parameter', async () => {
    const before = await all();
    await expectError(
      MigrationSettings.apply(qemu.qmp, {
        capabilities: { 'return-path': true },
        parameters: { 'cpu-throttle-initial': 100 },
      }),
      'qmp-command',
      '1 to 99',
    );
    expect(await all()).toEqual(before);
  });
});
