import { expect, it, onTestFinished } from 'vitest';
import { endMigration } from '../../src/dirty-log/end-migration.js';
import { QmpClient } from '../../src/qmp/qmp-client.js';
import { FakeQmpServer } from '../support/fake-qmp-server.js';

/** Ends the migration of a QEMU that is in one of these states after the other; answers what it was told. */
async function commandsFor(...states: readonly string[]): Promise<string[]> {
  const left = [...states];
  const commands: string[] = [];
  const server = await FakeQmpServer.answering(({ execute, id }, socket) => {
    commands.push(execute);
    const status = execute === 'query-migrate' ? { status: left.shift() } : {};
    socket.write(`${JSON.stringify({ return: status, id })}\r\n`);
  });
  onTestFinished(() => server.close());
  const qmp = await QmpClient.connect(server.path);
  onTestFinished(() => {
    qmp.close();
  });
  await endMigration(qmp);
  expect(left).toEqual([]);
  return commands;
}

it('a migration is cancelled once, and waited for', async () => {
  expect(await commandsFor('active', 'cancelling', 'cancelling', 'cancelled')).toEqual([
    'query-migrate',
    'migrate_cancel',
    'query-migrate',
    'query-migrate',
    'query-migrate',
  ]);
});

it.each(['none', 'completed', 'cancelled', 'failed'])('one that is %s is left alone', async (state) => {
  expect(await commandsFor(state)).toEqual(['query-migrate']);
});
