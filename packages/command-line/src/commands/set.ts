import { PageferryError } from '@pageferry/errors';
import type { Command } from 'commander';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { limitsOf } from '../view/limits.js';
import { addChangeOptions, changeOf, type ChangeFlags } from './change-flags.js';
import { JSON_OPTION, type Runner } from './runner.js';

export function addSet(program: Command, run: Runner): void {
  const command = program
    .command('set <id>')
    .description('change limits of a migration while it runs; what is not given stays as it is');
  addChangeOptions(command)
    .option(...JSON_OPTION)
    .action(async (id: string, flags: ChangeFlags) => {
      await run(command, async (session) => set(session, id, flags));
    });
}

async function set(session: Session, id: string, flags: ChangeFlags): Promise<ExitCode> {
  const change = changeOf(flags);
  if (Object.keys(change).length === 0)
    throw new PageferryError(
      'request-invalid',
      'nothing is to be changed: `pageferry set --help` says what can be',
    );
  const { value, whole } = await session.client.change(id, change);
  session.print(whole, () => [`${id}: ${limitsOf(value)}`]);
  return exitCodes.done;
}
