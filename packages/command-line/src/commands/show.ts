import type { Command } from 'commander';
import { exitCodes } from '../exit-codes.js';
import { migrationDetails } from '../view/migration-details.js';
import { JSON_OPTION, type Runner } from './runner.js';

export function addShow(program: Command, run: Runner): void {
  const command = program
    .command('show <id>')
    .description('show all that is known of a migration')
    .option(...JSON_OPTION)
    .action(async (id: string) => {
      await run(command, async (session) => {
        const { value, whole } = await session.client.migration(id);
        session.print(whole, (paint) => migrationDetails(value, paint));
        return exitCodes.done;
      });
    });
}
