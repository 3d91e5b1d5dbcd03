import { expect, it } from 'vitest';
import { endMigration } from '../../src/dirty-log/end-migration.js';
import { answeringQemu } from '../support/answering-qemu.js';

/** Ends the migration of a QEMU that is in one of these states after the other; answers what it was told. */
async function commandsFor(...states: readonly string[]): Promise<string[]> {
  const left = [...states];
  const commands: string[] = [];
  const qmp = await answeringQemu((command) => {
    commands.push(command);
    return command === 'query-migrate' ? { status: left.shift() } : {};
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
