import type { Command } from 'commander';
import { JSON_OPTION, type Runner } from './runner.js';
import { steer, WAIT_OPTION, type SteerFlags } from './steer.js';

export function addRecover(program: Command, run: Runner): void {
  const command = program
    .command('recover <id>')
    .description('try at once to reach the destination of a paused post-copy again')
    .option(...WAIT_OPTION)
    .option(...JSON_OPTION)
    .action(async (id: string, flags: SteerFlags) => {
      await run(command, async (session) =>
        steer(session, { id, what: 'recover', asked: 'asked to recover' }, flags),
      );
    });
}
