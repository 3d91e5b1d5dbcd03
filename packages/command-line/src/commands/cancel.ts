import type { Command } from 'commander';
import { exitCodes } from '../exit-codes.js';
import { JSON_OPTION, type Runner } from './runner.js';
import { steer, WAIT_OPTION, type SteerFlags } from './steer.js';

export function addCancel(program: Command, run: Runner): void {
  const command = program
    .command('cancel <id>')
    .description('give a migration up before the hand-over; the guest stays')
    .option(...WAIT_OPTION)
    .option(...JSON_OPTION)
    .action(async (id: string, flags: SteerFlags) => {
      await run(command, async (session) => {
        const code = await steer(session, { id, what: 'cancel', asked: 'asked to cancel' }, flags);
        if (flags.wait !== true) return code;
        // Here this end is what was wanted, and the other one, that it had been too late, is not.
        if (code === exitCodes.done) return exitCodes.failed;
        return code === exitCodes.cancelled ? exitCodes.done : code;
      });
    });
}
