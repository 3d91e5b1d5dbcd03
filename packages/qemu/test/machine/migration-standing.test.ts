import { expect, it } from 'vitest';
import { migrationStanding } from '../../src/machine/migration-standing.js';
import { answeringQemu } from '../support/answering-qemu.js';

const standingOf = async (info: object): Promise<unknown> =>
  migrationStanding(await answeringQemu(() => info));

it('of a QEMU that has had no migration is "none"', async () => {
  expect(await standingOf({})).toEqual({ status: 'none', failure: undefined, blockedReasons: [] });
});

it('of a QEMU whose migration has failed has the reason', async () => {
  const info = { status: 'failed', 'error-desc': 'Unknown ramblock', 'blocked-reasons': ['a device'] };
  expect(await standingOf(info)).toEqual({
    status: 'failed',
    failure: 'Unknown ramblock',
    blockedReasons: ['a device'],
  });
});
