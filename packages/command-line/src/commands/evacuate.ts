import { PageferryError } from '@pageferry/errors';
import { Option, type Command } from 'commander';
import type { GangRequest } from '../api/client.js';
import { integer, rate } from '../arguments.js';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { writeLines } from '../view/progress-view.js';
import { awaitStart } from './await-start.js';
import { addLimitOptions, limitsOf, type LimitFlags } from './change-flags.js';
import { followGangToEnd } from './follow-gang-to-end.js';
import { leaveUnknown } from './leave-unknown.js';
import {
  addGuestOptions,
  addModeOption,
  addToOption,
  treatmentOf,
  type GuestFlags,
} from './migration-flags.js';
import { JSON_OPTION, type Runner } from './runner.js';

interface EvacuateFlags extends LimitFlags, GuestFlags {
  readonly to: string;
  readonly all?: boolean;
  readonly bandwidth?: number;
  readonly atOnce?: number;
  readonly whenOneFails?: string;
  readonly share: boolean;
  readonly detach?: boolean;
}

export function addEvacuate(program: Command, run: Runner): void {
  const command = program
    .command('evacuate [guest...]')
    .description('move guests to another host together, and show how it goes');
  addToOption(command).option('--all', 'all guests of this host that can be migrated');
  addModeOption(command);
  addGuestOptions(addLimitOptions(command))
    .option('--bandwidth <rate>', 'limit for all of them together, such as 100MiB or 1Gbit; 0 for none', rate)
    .option('--at-once <number>', 'guests under way at once; 2 if not given', integer(1))
    .addOption(
      new Option(
        '--when-one-fails <what>',
        'whether those that have not moved yet go on then; continue if not given',
      ).choices(['continue', 'stop']),
    )
    .option('--no-share', 'send everything of each guest, also what another one of them has, too')
    .option('--detach', 'do not wait for their end: print the id')
    .option(...JSON_OPTION)
    .action(async (guests: string[], flags: EvacuateFlags) => {
      await run(command, async (session) => evacuate(session, guests, flags));
    });
}

async function evacuate(
  session: Session,
  guests: readonly string[],
  flags: EvacuateFlags,
): Promise<ExitCode> {
  const request = requestOf(guests, flags);
  const { answer, interrupted } = await awaitStart(session, (signal) =>
    session.client.moveTogether(request, signal),
  );
  if (answer === undefined)
    return leaveUnknown(session, 'moves these guests', '`pageferry list` shows those that do move');
  const { value, whole } = answer;
  const { id } = value;
  if (flags.detach === true) {
    session.print(whole, () => [id]);
    return interrupted ? exitCodes.detached : exitCodes.done;
  }
  writeLines(session.progressSink, [`gang ${id}`]);
  return followGangToEnd(session, id, { interrupted });
}

/** Error: `request-invalid`, unless guests are named, or all of them are meant. */
function requestOf(guests: readonly string[], flags: EvacuateFlags): GangRequest {
  const { to, all = false, bandwidth, atOnce, whenOneFails, share } = flags;
  if (all === guests.length > 0) {
    throw new PageferryError(
      'request-invalid',
      all
        ? '--all: either this or the names of guests is wanted'
        : 'which guests are to move? Name them, or say --all',
    );
  }
  return {
    guests: all ? 'all' : guests,
    destination: { url: to },
    ...treatmentOf(flags),
    ...limitsOf(flags),
    ...(bandwidth !== undefined && { bandwidthCap: bandwidth }),
    ...(atOnce !== undefined && { atOnce }),
    ...(whenOneFails !== undefined && { whenOneFails }),
    ...(!share && { share }),
  };
}
