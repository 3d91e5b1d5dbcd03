import { Option, type Command } from 'commander';
import type { MigrationRequest } from '../api/client.js';
import { streamUrl } from '../arguments.js';
import { addChangeOptions, changeOf, type ChangeFlags } from './change-flags.js';

/** What can be said of a migration before it begins; what is not said is up to the agent. */
export interface MigrationFlags extends ChangeFlags {
  readonly to: string;
  readonly as?: string;
  readonly mode?: string;
  readonly keepSource?: boolean;
  readonly pageFilter?: PageFilterChoice;
}

/** What of a guest's memory that it can do without is filtered. */
const pageFilters = {
  all: { free: true, cache: true },
  free: { free: true, cache: false },
  cache: { free: false, cache: true },
  none: { free: false, cache: false },
} as const;
type PageFilterChoice = keyof typeof pageFilters;

export function addMigrationOptions(command: Command): Command {
  command
    .requiredOption(
      '--to <url>',
      "the destination agent's stream listener, such as wss://HOST:7411",
      streamUrl,
    )
    .option('--as <name>', 'name of the waiting QEMU there, if it is another')
    .addOption(
      new Option('--mode <mode>', 'how its memory goes; hybrid if not given').choices([
        'precopy',
        'postcopy',
        'hybrid',
      ]),
    );
  return addChangeOptions(command)
    .addOption(
      new Option(
        '--page-filter <what>',
        'leave free pages out, and send page cache last, of a guest whose kernel is known; all if not given',
      ).choices(Object.keys(pageFilters)),
    )
    .option('--keep-source', "keep the source's QEMU, stopped, instead of ending it");
}

export function requestOf(guest: string, flags: MigrationFlags): MigrationRequest {
  const { to, as: guestThere, mode, pageFilter, keepSource } = flags;
  return {
    guest,
    destination: { url: to, ...(guestThere !== undefined && { guest: guestThere }) },
    ...(mode !== undefined && { mode }),
    ...changeOf(flags),
    ...(pageFilter !== undefined && { pageFilter: pageFilters[pageFilter] }),
    ...(keepSource === true && { sourceAfter: 'keep' }),
  };
}
