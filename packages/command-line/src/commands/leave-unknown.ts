import { PageferryError } from '@pageferry/errors';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { errorLines, problemOf } from '../view/problem-lines.js';
import { writeLines } from '../view/progress-view.js';

/** Nobody wanted to wait for the agent to say what it has started. */
export function leaveUnknown(session: Session, what: string, howToFind: string): ExitCode {
  const { errors } = session.environment;
  const error = new PageferryError(
    'api-unreachable',
    `${session.url} has not said yet whether it ${what}: ${howToFind}`,
  );
  writeLines(errors, errorLines(error, session.paintFor(errors)));
  if (session.json) session.print(problemOf(error), () => []);
  return exitCodes.detached;
}
