import { sleep, PageferryError } from '@pageferry/errors';
import type { Command } from 'commander';
import type { PreparationAnswer, PreparationRequest } from '../api/client.js';
import { bytes, integer, positive } from '../arguments.js';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { preparationProgress, preparationSummary, preparationTable } from '../view/preparation-lines.js';
import { writeLines } from '../view/progress-view.js';
import { awaitStart } from './await-start.js';
import { leaveUnknown } from './leave-unknown.js';
import { JSON_OPTION, type Runner } from './runner.js';

/** Between two looks at it, ms. */
const INTERVAL_MS = 500;
/** Between two lines about it, ms. */
const LINE_INTERVAL_MS = 5_000;

interface PrepareFlags {
  readonly all?: boolean;
  readonly processorShare?: number;
  readonly lifetime?: number;
  readonly memory?: number;
  readonly detach?: boolean;
  readonly end?: string;
  readonly list?: boolean;
}

export function addPrepare(program: Command, run: Runner): void {
  const command = program
    .command('prepare [guest...]')
    .description('find out in the background what guests have in common, for when they are evacuated')
    .option('--all', 'all guests of this host that can be migrated')
    .option(
      '--processor-share <percent>',
      'most processor time for it, of one processor; 5 if not given',
      positive,
    )
    .option('--lifetime <s>', 'how long it is kept up to date; 3600 if not given', integer(1))
    .option('--memory <size>', 'most memory for it, such as 1GiB; 256MiB if not given', bytes)
    .option('--detach', 'do not wait until all memory has been looked at: print the id')
    .option('--list', 'show the preparations that there are instead')
    .option('--end <id>', 'end a preparation instead, and forget it')
    .option(...JSON_OPTION)
    .action(async (guests: string[], flags: PrepareFlags) => {
      await run(command, async (session) => {
        if (flags.list === true) return listPreparations(session);
        if (flags.end !== undefined) return endPreparation(session, flags.end);
        return prepare(session, guests, flags);
      });
    });
}

async function listPreparations(session: Session): Promise<ExitCode> {
  const { value, whole } = await session.client.preparations();
  session.print(whole, () => preparationTable(value.preparations));
  return exitCodes.done;
}

async function endPreparation(session: Session, id: string): Promise<ExitCode> {
  await session.client.endPreparation(id);
  session.print({ ended: id }, () => [`${id}: ended`]);
  return exitCodes.done;
}

async function prepare(session: Session, guests: readonly string[], flags: PrepareFlags): Promise<ExitCode> {
  const request = requestOf(guests, flags);
  const { answer, interrupted } = await awaitStart(session, (signal) =>
    session.client.prepare(request, signal),
  );
  if (answer === undefined)
    return leaveUnknown(session, 'prepares these guests', 'nothing of theirs is changed by it');
  const { id } = answer.value;
  if (flags.detach === true || interrupted) {
    session.print(answer.whole, () => [id]);
    return interrupted ? exitCodes.detached : exitCodes.done;
  }
  writeLines(session.progressSink, [`preparation ${id}`]);
  return untilReady(session, answer);
}

/** Shows how far it has come until all memory has been looked at, or until Ctrl-C. */
async function untilReady(session: Session, begun: PreparationAnswer): Promise<ExitCode> {
  const { client, environment, progressSink: sink } = session;
  const { id } = begun.value;
  const detached = new AbortController();
  const stopListening = environment.onInterrupt(() => {
    detached.abort();
  });
  let last = begun;
  let lineAt = performance.now() + LINE_INTERVAL_MS;
  try {
    while (last.value.state === 'indexing') {
      await sleep(INTERVAL_MS, detached.signal);
      last = await client.preparation(id, detached.signal);
      if (performance.now() < lineAt) continue;
      lineAt += LINE_INTERVAL_MS;
      writeLines(sink, [preparationProgress(last.value)]);
    }
  } catch (error) {
    if (!detached.signal.aborted) throw error;
    writeLines(sink, [`detached from ${id}, which goes on: \`pageferry prepare --end ${id}\` ends it`]);
    if (session.json) session.print(last.whole, () => []);
    return exitCodes.detached;
  } finally {
    stopListening();
  }
  writeLines(sink, preparationSummary(last.value, session.paintFor(sink)));
  if (session.json) session.print(last.whole, () => []);
  // A gang may have used it at once.
  return ['ready', 'used'].includes(last.value.state) ? exitCodes.done : exitCodes.failed;
}

/** Error: `request-invalid`, unless guests are named, or all of them are meant. */
function requestOf(
  guests: readonly string[],
  { all = false, processorShare, lifetime, memory }: PrepareFlags,
): PreparationRequest {
  if (all === guests.length > 0) {
    throw new PageferryError(
      'request-invalid',
      all
        ? '--all: either this or the names of guests is wanted'
        : 'which guests are to be prepared? Name them, or say --all',
    );
  }
  return {
    guests: all ? 'all' : guests,
    ...(processorShare !== undefined && { processorShare }),
    ...(lifetime !== undefined && { lifetimeSeconds: lifetime }),
    ...(memory !== undefined && { memoryBytes: memory }),
  };
}
