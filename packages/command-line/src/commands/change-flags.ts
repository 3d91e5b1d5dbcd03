import { Option, type Command } from 'commander';
import type { MigrationChange } from '../api/client.js';
import { integer, positive, rate } from '../arguments.js';

/** What holds for each guest, whether it moves by itself or with others. */
export interface LimitFlags {
  readonly downtimeLimit?: number;
  readonly timeLimit?: number;
  readonly whenStalled?: string;
}

/** What can be said of a migration before it begins, and changed while it runs. */
export interface ChangeFlags extends LimitFlags {
  readonly bandwidthPrecopy?: number;
  readonly bandwidthPostcopy?: number;
}

type Limits = Omit<MigrationChange, 'bandwidthCaps'>;

const MS_A_SECOND = 1000;

export function addLimitOptions(command: Command): Command {
  return command
    .option('--downtime-limit <ms>', 'longest stop that pre-copy may plan', integer(1))
    .option('--time-limit <s>', 'of pre-copy, after which --when-stalled says what is done', positive)
    .addOption(
      new Option('--when-stalled <what>', 'what is done when pre-copy does not get there').choices([
        'postcopy',
        'stop',
        'cancel',
      ]),
    );
}

export function addChangeOptions(command: Command): Command {
  return addLimitOptions(command)
    .option(
      '--bandwidth-precopy <rate>',
      'limit before the switch-over, such as 100MiB or 1Gbit; 0 for none',
      rate,
    )
    .option('--bandwidth-postcopy <rate>', 'limit after the switch-over', rate);
}

/** Only what is said. */
export function limitsOf({ downtimeLimit, timeLimit, whenStalled }: LimitFlags): Limits {
  return {
    ...(downtimeLimit !== undefined && { downtimeLimitMs: downtimeLimit }),
    ...(timeLimit !== undefined && { timeLimitMs: Math.round(timeLimit * MS_A_SECOND) }),
    ...(whenStalled !== undefined && { whenStalled }),
  };
}

/** Only what is said. */
export function changeOf(flags: ChangeFlags): MigrationChange {
  const { bandwidthPrecopy: precopy, bandwidthPostcopy: postcopy } = flags;
  return {
    ...limitsOf(flags),
    ...((precopy ?? postcopy) !== undefined && {
      bandwidthCaps: {
        ...(precopy !== undefined && { precopy }),
        ...(postcopy !== undefined && { postcopy }),
      },
    }),
  };
}
