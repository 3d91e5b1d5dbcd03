import { PageferryError } from '@pageferry/errors';
import type { Command } from 'commander';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { writeLines } from '../view/migration-view.js';
import { errorLines, problemOf } from '../view/problem-lines.js';
import { followToEnd } from './follow-to-end.js';
import { addMigrationOptions, requestOf, type MigrationFlags } from './migration-flags.js';
import { preflight } from './preflight.js';
import { JSON_OPTION, type Runner } from './runner.js';
import { startMigration } from './start-migration.js';

interface MigrateFlags extends MigrationFlags {
  readonly detach?: boolean;
  readonly dryRun?: boolean;
}

export function addMigrate(program: Command, run: Runner): void {
  const command = program
    .command('migrate <guest>')
    .description('move a running guest to another host, and show how it goes');
  addMigrationOptions(command)
    .option('--detach', 'do not wait for its end: print its id')
    .option('--dry-run', 'only compare the two hosts, as `preflight` does')
    .option(...JSON_OPTION)
    .action(async (guest: string, flags: MigrateFlags) => {
      await run(command, async (session) =>
        flags.dryRun === true ? preflight(session, guest, flags) : migrate(session, guest, flags),
      );
    });
}

async function migrate(session: Session, guest: string, flags: MigrateFlags): Promise<ExitCode> {
  const { answer, interrupted } = await startMigration(session, requestOf(guest, flags));
  if (answer === undefined) return leaveUnknown(session, guest);
  const { value, whole } = answer;
  const { id } = value;
  if (flags.detach === true) {
    session.print(whole, () => [id]);
    return interrupted ? exitCodes.detached : exitCodes.done;
  }
  writeLines(session.progressSink, [`migration ${id}`]);
  return followToEnd(session, id, { interrupted });
}

function leaveUnknown(session: Session, guest: string): ExitCode {
  const error = new PageferryError(
    'api-unreachable',
    `${session.url} has not said yet whether it migrates ${guest}: \`pageferry list --guest ${guest}\` shows it if it does`,
  );
  writeLines(session.environment.errors, errorLines(error, session.paintFor(session.environment.errors)));
  if (session.json) session.print(problemOf(error), () => []);
  return exitCodes.detached;
}
