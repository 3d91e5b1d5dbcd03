import type { Command } from 'commander';
import type { ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';

/** Opens a session for a command's flags, does the work in it, and closes it. */
export type Runner = (command: Command, work: (session: Session) => Promise<ExitCode>) => Promise<void>;

export const JSON_OPTION = [
  '--json',
  'the answer as one JSON object, the last line of the standard output',
] as const;
