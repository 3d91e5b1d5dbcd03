import { expect, it, onTestFinished } from 'vitest';
import { migrationStanding } from '../../src/machine/migration-standing.js';
import { QmpClient } from '../../src/qmp/qmp-client.js';
import { FakeQmpServer } from '../support/fake-qmp-server.js';

async function standingOf(info: object): Promise<unknown> {
  const server = await FakeQmpServer.answering(({ id }, socket) => {
    socket.write(`${JSON.stringify({ return: info, id })}\r\n`);
  });
  onTestFinished(() => server.close());
  const qmp = await QmpClient.connect(server.path);
  onTestFinished(() => {
    qmp.close();
  });
  return migrationStanding(qmp);
}

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
