import { CommanderError } from 'commander';
import type { Runner } from './commands/runner.js';
import type { Environment } from './environment.js';
import { exitCodeOf, exitCodes, type ExitCode } from './exit-codes.js';
import type { GlobalFlags } from './global-options.js';
import { createProgram } from './program.js';
import { Session } from './session.js';
import { plain } from './view/colours.js';
import { writeLines } from './view/progress-view.js';
import { errorLines, problemOf } from './view/problem-lines.js';

/** Does what the arguments say, without those that name the program. */
export async function runCommandLine(args: readonly string[], environment: Environment): Promise<ExitCode> {
  let code: ExitCode = exitCodes.done;
  const run: Runner = async (command, work) => {
    const flags = command.optsWithGlobals<GlobalFlags>();
    let session: Session | undefined;
    try {
      session = await Session.open(environment, flags);
      code = await work(session);
    } catch (error) {
      writeLines(environment.errors, errorLines(error, session?.paintFor(environment.errors) ?? plain));
      if (flags.json === true) writeLines(environment.output, [JSON.stringify(problemOf(error))]);
      code = exitCodeOf(error);
    } finally {
      await session?.close();
    }
  };
  try {
    await createProgram(environment, run).parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has said what it has to say.
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
  return code;
}
