import type { Command } from 'commander';
import { integer } from '../arguments.js';
import type { Filter } from '../api/client.js';
import type { Migration } from '../api/schemas.js';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { progressOf } from '../view/progress-of.js';
import { table } from '../view/table.js';
import { formatDuration, formatPercent, formatTime } from '../view/units.js';
import { JSON_OPTION, type Runner } from './runner.js';

const HEAD = ['ID', 'GUEST', 'DESTINATION', 'STATE', 'ARRIVED', 'STARTED', 'TIME', 'DOWNTIME'];

export function addList(program: Command, run: Runner): void {
  const command = program
    .command('list')
    .description('list migrations, the newest first')
    .option('--state <state>', 'only those in this state')
    .option('--guest <name>', 'only those of this guest')
    .option('--limit <number>', 'at most so many', integer(1), 50)
    .option(...JSON_OPTION)
    .action(async (filter: Filter) => {
      await run(command, async (session) => list(session, filter));
    });
}

async function list(session: Session, { state, guest, limit }: Filter): Promise<ExitCode> {
  const answers = await session.client.migrations({
    ...(state !== undefined && { state }),
    ...(guest !== undefined && { guest }),
    ...(limit !== undefined && { limit }),
  });
  session.print({ migrations: answers.map(({ whole }) => whole) }, () =>
    answers.length === 0 ? ['no migrations'] : table([HEAD, ...answers.map(({ value }) => rowOf(value))]),
  );
  return exitCodes.done;
}

function rowOf(migration: Migration): string[] {
  const { id, guest, destination, state, startedAt, totalMs } = migration;
  const { arrived, downtimeMs } = progressOf(migration);
  return [
    id,
    guest,
    destination.url,
    state,
    arrived === undefined ? '-' : formatPercent(arrived),
    formatTime(startedAt),
    formatDuration(totalMs),
    downtimeMs === undefined ? '-' : formatDuration(downtimeMs),
  ];
}
