import type { Command } from 'commander';
import { followGangToEnd } from './follow-gang-to-end.js';
import { followMigrationToEnd } from './follow-migration-to-end.js';
import { migrationOrGang } from './migration-or-gang.js';
import { JSON_OPTION, type Runner } from './runner.js';

export function addWatch(program: Command, run: Runner): void {
  const command = program
    .command('watch <id>')
    .description('show how a migration, or a gang, goes on until it is over')
    .option(...JSON_OPTION)
    .action(async (id: string) => {
      await run(command, async (session) =>
        migrationOrGang(
          () => followMigrationToEnd(session, id),
          () => followGangToEnd(session, id),
        ),
      );
    });
}
