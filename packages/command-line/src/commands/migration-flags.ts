import { Option, type Command } from 'commander';
import type { MigrationRequest } from '../api/client.js';
import { integer, positive, rate, streamUrl } from '../arguments.js';

/** What can be said of a migration before it begins; what is not said is up to the agent. */
export interface MigrationFlags {
  readonly to: string;
  readonly as?: string;
  readonly mode?: string;
  readonly downtimeLimit?: number;
  readonly timeLimit?: number;
  readonly whenStalled?: string;
  readonly bandwidthPrecopy?: number;
  readonly bandwidthPostcopy?: number;
  readonly keepSource?: boolean;
}

const MS_A_SECOND = 1000;

export function addMigrationOptions(command: Command): Command {
  return command
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
    )
    .option('--downtime-limit <ms>', 'longest stop that pre-copy may plan; 300 if not given', integer(1))
    .option('--time-limit <s>', 'of pre-copy; an hour if not given, and then --when-stalled says', positive)
    .addOption(
      new Option(
        '--when-stalled <what>',
        'what is done when pre-copy does not get there; by the mode if not given',
      ).choices(['postcopy', 'stop', 'cancel']),
    )
    .option('--bandwidth-precopy <rate>', 'limit before the switch-over, such as 100MiB or 1Gbit', rate)
    .option('--bandwidth-postcopy <rate>', 'limit after the switch-over', rate)
    .option('--keep-source', "keep the source's QEMU, stopped, instead of ending it");
}

export function requestOf(guest: string, flags: MigrationFlags): MigrationRequest {
  const { to, as: guestThere, mode, downtimeLimit, timeLimit, whenStalled, keepSource } = flags;
  const { bandwidthPrecopy: precopy, bandwidthPostcopy: postcopy } = flags;
  return {
    guest,
    destination: { url: to, ...(guestThere !== undefined && { guest: guestThere }) },
    ...(mode !== undefined && { mode }),
    ...(downtimeLimit !== undefined && { downtimeLimitMs: downtimeLimit }),
    ...(timeLimit !== undefined && { timeLimitMs: Math.round(timeLimit * MS_A_SECOND) }),
    ...(whenStalled !== undefined && { whenStalled }),
    ...((precopy ?? postcopy) !== undefined && {
      bandwidthCaps: {
        ...(precopy !== undefined && { precopy }),
        ...(postcopy !== undefined && { postcopy }),
      },
    }),
    ...(keepSource === true && { sourceAfter: 'keep' }),
  };
}
