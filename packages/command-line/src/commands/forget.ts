import type { Command } from 'commander';
import { ProblemError } from '../api/problem-error.js';
import type { Problem } from '../api/schemas.js';
import { exitCodeOf, exitCodes, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { writeLines } from '../view/progress-view.js';
import { problemLines } from '../view/problem-lines.js';
import { JSON_OPTION, type Runner } from './runner.js';

interface Refused {
  readonly id: string;
  readonly problem: Problem;
}

export function addForget(program: Command, run: Runner): void {
  const command = program
    .command('forget <id...>')
    .description('delete migrations that are over from the list, and their journals')
    .option(...JSON_OPTION)
    .action(async (ids: string[]) => {
      await run(command, async (session) => forget(session, ids));
    });
}

/** Tries all of them, as rm(1) does; the exit code is that of the last one that was refused. */
async function forget(session: Session, ids: readonly string[]): Promise<ExitCode> {
  const { errors } = session.environment;
  const forgotten: string[] = [];
  const refused: Refused[] = [];
  let code: ExitCode = exitCodes.done;
  for (const id of ids) {
    try {
      await session.client.forget(id);
      forgotten.push(id);
      if (!session.json) session.print(id, () => [`${id}: forgotten`]);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      refused.push({ id, problem: error.problem });
      code = exitCodeOf(error);
      const [first = '', ...more] = problemLines(error.problem, session.paintFor(errors));
      writeLines(errors, [`${id}: ${first}`, ...more]);
    }
  }
  if (session.json) session.print({ forgotten, refused }, () => []);
  return code;
}
