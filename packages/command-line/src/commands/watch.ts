import type { Command } from 'commander';
import { followToEnd } from './follow-to-end.js';
import { JSON_OPTION, type Runner } from './runner.js';

export function addWatch(program: Command, run: Runner): void {
  const command = program
    .command('watch <id>')
    .description('show how a migration goes on until it is over')
    .option(...JSON_OPTION)
    .action(async (id: string) => {
      await run(command, async (session) => followToEnd(session, id));
    });
}
