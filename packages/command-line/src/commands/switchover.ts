import { Option, type Command } from 'commander';
import { JSON_OPTION, type Runner } from './runner.js';
import { steer, WAIT_OPTION, type SteerFlags } from './steer.js';

interface SwitchoverFlags extends SteerFlags {
  readonly with?: string;
}

export function addSwitchover(program: Command, run: Runner): void {
  const command = program
    .command('switchover <id>')
    .description('stop the guest at the end of the iteration, whatever is left to send')
    .addOption(
      new Option(
        '--with <what>',
        'send the rest while the guest stands still, or after it runs there; the mode says if not given',
      ).choices(['stop', 'postcopy']),
    )
    .option(...WAIT_OPTION)
    .option(...JSON_OPTION)
    .action(async (id: string, flags: SwitchoverFlags) => {
      const body = flags.with === undefined ? undefined : { with: flags.with };
      await run(command, async (session) =>
        steer(session, { id, what: 'switchover', body, asked: 'asked to switch over' }, flags),
      );
    });
}
