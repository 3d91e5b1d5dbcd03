import type { Command } from 'commander';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { diskLines } from '../view/disk-lines.js';
import { addMigrationOptions, requestOf, type MigrationFlags } from './migration-flags.js';
import { JSON_OPTION, type Runner } from './runner.js';

export function addPreflight(program: Command, run: Runner): void {
  const command = program
    .command('preflight <guest>')
    .description('compare a guest and where it is to go to; nothing is moved');
  addMigrationOptions(command)
    .option(...JSON_OPTION)
    .action(async (guest: string, flags: MigrationFlags) => {
      await run(command, async (session) => preflight(session, guest, flags));
    });
}

export async function preflight(session: Session, guest: string, flags: MigrationFlags): Promise<ExitCode> {
  const { value, whole } = await session.client.preflight(requestOf(guest, flags));
  const { fits, findings, storage } = value;
  session.print(whole, (paint) => [
    fits
      ? paint('green', `${guest} can be migrated to ${flags.to}`)
      : paint('red', `${guest} cannot be migrated to ${flags.to}`),
    ...findings.map((finding) => `  - ${finding}`),
    ...diskLines(storage ?? null),
  ]);
  return fits ? exitCodes.done : exitCodes.refused;
}
