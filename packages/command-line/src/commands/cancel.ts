import type { Command } from 'commander';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { followGangToEnd } from './follow-gang-to-end.js';
import { migrationOrGang } from './migration-or-gang.js';
import { JSON_OPTION, type Runner } from './runner.js';
import { steer, WAIT_OPTION, type SteerFlags } from './steer.js';

export function addCancel(program: Command, run: Runner): void {
  const command = program
    .command('cancel <id>')
    .description('give a migration, or a gang, up before the hand-over; the guest stays')
    .option(...WAIT_OPTION)
    .option(...JSON_OPTION)
    .action(async (id: string, flags: SteerFlags) => {
      await run(command, async (session) => {
        const code = await migrationOrGang(
          () => steer(session, { id, what: 'cancel', asked: 'asked to cancel' }, flags),
          () => cancelGang(session, id, flags),
        );
        if (flags.wait !== true) return code;
        // Here this end is what was wanted, and the other one, that it had been too late, is not.
        if (code === exitCodes.done) return exitCodes.failed;
        return code === exitCodes.cancelled ? exitCodes.done : code;
      });
    });
}

async function cancelGang(session: Session, id: string, { wait = false }: SteerFlags): Promise<ExitCode> {
  const { value, whole } = await session.client.cancelGang(id);
  if (wait) return followGangToEnd(session, id);
  session.print(whole, () => [`${id}: asked to cancel; its state is ${value.state}`]);
  return exitCodes.done;
}
