import type { Migration } from '../api/schemas.js';
import type { Paint } from './colours.js';
import { limitsOf } from './limits.js';
import { phaseOf } from './phases.js';
import { problemLines } from './problem-lines.js';
import { progressOf } from './progress-of.js';
import { formatBytes, formatDuration, formatPercent, formatRate, formatTime } from './units.js';

/** Parts of the downtime by their names in the resource. */
const parts: Readonly<Record<string, string>> = {
  stop: 'stop',
  deviceState: 'device state',
  lastPages: 'last pages',
  load: 'load',
  journal: 'journals',
  resume: 'resume',
  rest: 'rest',
};

/** All that a person may want to know of a migration. */
export function migrationDetails(migration: Migration, paint: Paint): string[] {
  const { id, guest, destination, mode, state, memory, pages = {} } = migration;
  const limits = limitsOf(migration);
  const { arrived, remainingBytes, leftMs, downtimeMs } = progressOf(migration);
  const there =
    destination.guest === undefined || destination.guest === guest ? '' : ` as ${destination.guest}`;
  const sent = Object.entries(pages).filter(([, count]) => count > 0);
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['migration', id],
    ['guest', `${guest}${memory === null ? '' : `, ${formatBytes(memory.bytes)}`}`],
    ['destination', `${destination.url}${there}`],
    ['mode', mode],
    ['state', `${state} (${phaseOf(migration)})`],
    ['started', `${formatTime(migration.startedAt)}, ${formatDuration(migration.totalMs)} in all`],
    ['arrived', arrived === undefined ? undefined : formatPercent(arrived)],
    ['remaining', remainingBytes === undefined ? undefined : formatBytes(remainingBytes)],
    ['time left', leftMs === undefined ? undefined : `about ${formatDuration(leftMs)}`],
    ['sent', formatBytes(migration.bytes.sent)],
    ['pages', sent.length === 0 ? undefined : sent.map(([kind, count]) => `${count} ${kind}`).join(', ')],
    ['page filter', pageFilterOf(migration)],
    ['storage', storageOf(migration)],
    ['rate', migration.bandwidth === null ? undefined : formatRate(migration.bandwidth)],
    ['dirty rate', migration.dirtyRate === null ? undefined : formatRate(migration.dirtyRate)],
    ['limits', limits === '' ? undefined : limits],
    ['iterations', String(migration.iterations)],
    ['downtime', downtimeMs === undefined ? undefined : downtimeOf(migration, downtimeMs)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    ...rows.flatMap(([name, value]) =>
      value === undefined ? [] : [`${paint('dim', name.padEnd(width))}  ${value}`],
    ),
    ...migration.history.map(
      ({ state: entered, at }) => `${' '.repeat(width)}  ${formatTime(at)} ${entered}`,
    ),
    ...(migration.error === null ? [] : problemLines(migration.error, paint)),
  ];
}

function pageFilterOf({ pageFilter }: Migration): string | undefined {
  if (pageFilter === undefined || pageFilter === null || pageFilter.state === 'off') return undefined;
  const { state, reason, leftOut, sentAfterAll, deferred } = pageFilter;
  const counts = [
    [leftOut, 'free pages left out'],
    [sentAfterAll, 'sent after all'],
    [deferred, 'pages of cache last'],
  ] as const;
  const said = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return [`${state}${reason === null ? '' : `: ${reason}`}`, ...said].join(', ');
}

function storageOf({ storage }: Migration): string | undefined {
  if (storage === undefined || storage === null || storage.mapped + storage.restored === 0) return undefined;
  const { restored, unrestored } = storage;
  return `${restored} pages came from there${unrestored === 0 ? '' : `, ${unrestored} were not as the guest had them`}`;
}

function downtimeOf({ downtime }: Migration, ms: number): string {
  const measured = Object.entries(downtime ?? {}).map(
    ([name, partMs]) => `${parts[name] ?? name} ${formatDuration(partMs)}`,
  );
  return `${formatDuration(ms)}${measured.length === 0 ? '' : ` (${measured.join(', ')})`}`;
}
