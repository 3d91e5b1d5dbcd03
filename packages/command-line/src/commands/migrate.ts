import type { Command } from 'commander';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { writeLines } from '../view/progress-view.js';
import { awaitStart } from './await-start.js';
import { followMigrationToEnd } from './follow-migration-to-end.js';
import { leaveUnknown } from './leave-unknown.js';
import { addMigrationOptions, requestOf, type MigrationFlags } from './migration-flags.js';
import { preflight } from './preflight.js';
import { JSON_OPTION, type Runner } from './runner.js';

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
  const request = requestOf(guest, flags);
  const { answer, interrupted } = await awaitStart(session, (signal) =>
    session.client.migrate(request, signal),
  );
  if (answer === undefined)
    return leaveUnknown(
      session,
      `migrates ${guest}`,
      `\`pageferry list --guest ${guest}\` shows it if it does`,
    );
  const { value, whole } = answer;
  const { id } = value;
  if (flags.detach === true) {
    session.print(whole, () => [id]);
    return interrupted ? exitCodes.detached : exitCodes.done;
  }
  writeLines(session.progressSink, [`migration ${id}`]);
  return followMigrationToEnd(session, id, { interrupted });
}
