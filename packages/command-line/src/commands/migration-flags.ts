import { Option, type Command } from 'commander';
import type { MigrationRequest } from '../api/client.js';
import { streamUrl } from '../arguments.js';
import { addChangeOptions, changeOf, type ChangeFlags } from './change-flags.js';

/** How a guest goes, whether by itself or with others. */
export interface GuestFlags {
  readonly mode?: string;
  readonly keepSource?: boolean;
  readonly pageFilter?: PageFilterChoice;
  /** False with `--no-storage`. */
  readonly storage?: boolean;
}

/** What can be said of a migration before it begins; what is not said is up to the agent. */
export interface MigrationFlags extends ChangeFlags, GuestFlags {
  readonly to: string;
  readonly as?: string;
}

/** What of a guest's memory that it can do without is filtered. */
const pageFilters = {
  all: { free: true, cache: true },
  free: { free: true, cache: false },
  cache: { free: false, cache: true },
  none: { free: false, cache: false },
} as const;
type PageFilterChoice = keyof typeof pageFilters;
type Treatment = Pick<MigrationRequest, 'mode' | 'pageFilter' | 'storage' | 'sourceAfter'>;

export function addMigrationOptions(command: Command): Command {
  addToOption(command).option('--as <name>', 'name of the waiting QEMU there, if it is another');
  addModeOption(command);
  return addGuestOptions(addChangeOptions(command));
}

export function addToOption(command: Command): Command {
  return command.requiredOption(
    '--to <url>',
    "the destination agent's stream listener, such as wss://HOST:7411",
    streamUrl,
  );
}

export function addModeOption(command: Command): Command {
  return command.addOption(
    new Option('--mode <mode>', 'how its memory goes; hybrid if not given').choices([
      'precopy',
      'postcopy',
      'hybrid',
    ]),
  );
}

/** How a guest, whether it moves by itself or with others, is treated. */
export function addGuestOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--page-filter <what>',
        'leave free pages out, and send page cache last, of a guest whose kernel is known; all if not given',
      ).choices(Object.keys(pageFilters)),
    )
    .option('--no-storage', 'send page cache over the network, also what a disk that both hosts share has')
    .option('--keep-source', "keep the source's QEMU, stopped, instead of ending it");
}

export function requestOf(guest: string, flags: MigrationFlags): MigrationRequest {
  const { to, as: guestThere } = flags;
  return {
    guest,
    destination: { url: to, ...(guestThere !== undefined && { guest: guestThere }) },
    ...changeOf(flags),
    ...treatmentOf(flags),
  };
}

/** Only what is said. */
export function treatmentOf({ mode, pageFilter, storage, keepSource }: GuestFlags): Treatment {
  return {
    ...(mode !== undefined && { mode }),
    ...(pageFilter !== undefined && { pageFilter: pageFilters[pageFilter] }),
    ...(storage === false && { storage: 'off' }),
    ...(keepSource === true && { sourceAfter: 'keep' }),
  };
}
