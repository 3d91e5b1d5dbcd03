import { PageferryError } from '@pageferry/errors';
import { ProblemError } from './api/problem-error.js';

/** What the command's exit code says; part of the interface, as are the error codes. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  cancelled: 5,
  /** As after SIGINT in a shell. */
  detached: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeHelp = `
Exit codes:
  0    done
  1    the migration failed, or one of several, or the agent, QEMU or the other host did
  2    the command line or its environment is not valid
  3    the agent refused, or there is no such thing; preflight and doctor: something does not fit
  4    the agent's API cannot be reached, or what answers is none; what was started goes on
  5    the migration was cancelled, the guest stays where it is
  130  detached by Ctrl-C, the migration goes on
`;

/** For a command that could not do its work. */
export function exitCodeOf(thrown: unknown): ExitCode {
  if (thrown instanceof ProblemError) return thrown.status >= 500 ? exitCodes.failed : exitCodes.refused;
  if (!(thrown instanceof PageferryError)) return exitCodes.failed;
  if (thrown.code === 'request-invalid') return exitCodes.usage;
  return exitCodes.unreachable;
}
