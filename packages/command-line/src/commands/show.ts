import type { Command } from 'commander';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { gangDetails } from '../view/gang-details.js';
import { migrationDetails } from '../view/migration-details.js';
import { migrationOrGang } from './migration-or-gang.js';
import { JSON_OPTION, type Runner } from './runner.js';

export function addShow(program: Command, run: Runner): void {
  const command = program
    .command('show <id>')
    .description('show all that is known of a migration, or a gang')
    .option(...JSON_OPTION)
    .action(async (id: string) => {
      await run(command, async (session) =>
        migrationOrGang(
          () => showMigration(session, id),
          () => showGang(session, id),
        ),
      );
    });
}

async function showMigration(session: Session, id: string): Promise<ExitCode> {
  const { value, whole } = await session.client.migration(id);
  session.print(whole, (paint) => migrationDetails(value, paint));
  return exitCodes.done;
}

async function showGang(session: Session, id: string): Promise<ExitCode> {
  const { value, whole } = await session.client.gang(id);
  session.print(whole, (paint) => gangDetails(value, paint));
  return exitCodes.done;
}
