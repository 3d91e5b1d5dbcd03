import { Command } from 'commander';
import { addCancel } from './commands/cancel.js';
import { addCompletion } from './commands/completion.js';
import { addDoctor } from './commands/doctor.js';
import { addEvacuate } from './commands/evacuate.js';
import { addForget } from './commands/forget.js';
import { addGuests } from './commands/guests.js';
import { addInspect } from './commands/inspect.js';
import { addList } from './commands/list.js';
import { addMigrate } from './commands/migrate.js';
import { addPreflight } from './commands/preflight.js';
import { addPrepare } from './commands/prepare.js';
import { addRecover } from './commands/recover.js';
import type { Runner } from './commands/runner.js';
import { addSet } from './commands/set.js';
import { addShow } from './commands/show.js';
import { addSwitchover } from './commands/switchover.js';
import { addWatch } from './commands/watch.js';
import type { Environment } from './environment.js';
import { exitCodeHelp } from './exit-codes.js';
import { addGlobalOptions } from './global-options.js';
import { SOFTWARE_VERSION } from './version.js';

/** The command line, whose commands are run by `run`; instead of ending the process it throws a CommanderError. */
export function createProgram({ output, errors }: Environment, run: Runner): Command {
  const program = new Command('pageferry')
    .description('Moves running QEMU guests to other hosts, by the source agent on this host or another.')
    .version(SOFTWARE_VERSION)
    .helpCommand(false)
    .exitOverride()
    .showHelpAfterError('(--help shows what can be said)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => {
        output.write(text);
      },
      writeErr: (text) => {
        errors.write(text);
      },
      getOutHelpWidth: () => output.columns,
      getErrHelpWidth: () => errors.columns,
    })
    .addHelpText('afterAll', exitCodeHelp);
  addGlobalOptions(program);
  addMigrate(program, run);
  addEvacuate(program, run);
  addPrepare(program, run);
  addPreflight(program, run);
  addList(program, run);
  addShow(program, run);
  addWatch(program, run);
  addSet(program, run);
  addCancel(program, run);
  addSwitchover(program, run);
  addRecover(program, run);
  addForget(program, run);
  addGuests(program, run);
  addInspect(program, run);
  addDoctor(program, run);
  addCompletion(program, (text) => {
    output.write(text);
  });
  return program;
}
