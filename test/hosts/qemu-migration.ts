import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../environment/deadline.js';
import { fieldsOf, isFields, numberOf, stringOf, type Fields } from '../environment/values.js';
import type { Guest } from '../guests/guest.js';
import { monotonicMs } from '../guests/heartbeat.js';
import type { Hosts } from './hosts.js';
import { watchDowntime, type SeenMove } from './watch-downtime.js';

interface Method {
  readonly capabilities: readonly string[];
  readonly parameters: Fields;
  /** Post-copy after how many passes over the memory; unset for pre-copy. */
  readonly postcopyAfterPasses?: number;
}

const mebibyte = 1024 * 1024;

/** Everything that is not named here is as QEMU has it by default: zero pages are found in all of them. */
const methods = {
  precopy: { capabilities: [], parameters: {} },
  // QEMU's default cache, 64 MiB, and one with room for all pages of a guest of 512 MiB.
  xbzrle: { capabilities: ['xbzrle'], parameters: {} },
  'xbzrle-512m': { capabilities: ['xbzrle'], parameters: { 'xbzrle-cache-size': 512 * mebibyte } },
  'multifd-zstd': {
    capabilities: ['multifd'],
    parameters: { 'multifd-compression': 'zstd', 'multifd-channels': 2 },
  },
  'auto-converge': { capabilities: ['auto-converge'], parameters: {} },
  postcopy: { capabilities: ['postcopy-ram'], parameters: {}, postcopyAfterPasses: 0 },
  'postcopy-preempt': {
    capabilities: ['postcopy-ram', 'postcopy-preempt'],
    parameters: {},
    postcopyAfterPasses: 0,
  },
  hybrid: { capabilities: ['postcopy-ram'], parameters: {}, postcopyAfterPasses: 1 },
} as const satisfies Record<string, Method>;

export type QemuMigrationMethod = keyof typeof methods;
export const qemuMigrationMethods = Object.keys(methods).filter(isMethod);

function isMethod(name: string): name is QemuMigrationMethod {
  return Object.hasOwn(methods, name);
}

export interface QemuMigrationOptions {
  readonly method: QemuMigrationMethod;
  /** The migration is cancelled then; 120 s by default. */
  readonly timeLimitMs?: number;
  /** QEMU's own default, 300 ms, by default. */
  readonly downtimeLimitMs?: number;
}

/** How QEMU's own migration went, by QEMU's own account. */
export interface QemuMigrationResult {
  readonly completed: boolean;
  /** QEMU's last word on it, with an error if there was one. */
  readonly status: string;
  readonly totalMs: number;
  /** From the stop on the source to the first instruction on the destination; undefined if either did not happen. */
  readonly downtimeMs: number | undefined;
  /** From the beginning to the first instruction on the destination; undefined likewise. */
  readonly runningMs: number | undefined;
  /** What QEMU itself reports, which in a post-copy lasts until the last page. */
  readonly reportedDowntimeMs: number;
  /** Of the RAM's migration stream. */
  readonly bytes: number;
  /** Pages sent other than as zeros, those sent as differences included. */
  readonly pages: number;
  readonly zeroPages: number;
  readonly pageRequests: number;
  /** Passes over the memory. */
  readonly iterations: number;
  /** When it began and ended, on the clock of `monotonicMs`, for the gaps that the guest saw meanwhile. */
  readonly from: number;
  readonly to: number;
}

const pollMs = 20;
const passPollMs = 2;
const defaultTimeLimitMs = 120_000;
/** After a cancel, and for a post-copy, which cannot be cancelled. */
const graceMs = 30_000;
const ended = new Set(['completed', 'failed', 'cancelled', 'postcopy-paused']);
// QEMU's own default of 128 MiB/s would measure itself.
const unlimitedBytesPerSecond = 100_000 * mebibyte;

async function prepare(guest: Guest, method: Method, options: QemuMigrationOptions): Promise<void> {
  const capabilities = method.capabilities.map((capability) => ({ capability, state: true }));
  await guest.monitor.execute('migrate-set-capabilities', { capabilities });
  await guest.monitor.execute('migrate-set-parameters', {
    'max-bandwidth': unlimitedBytesPerSecond,
    ...(options.downtimeLimitMs === undefined ? {} : { 'downtime-limit': options.downtimeLimitMs }),
    ...method.parameters,
  });
}

/** Has the destination listen at a free port; returns its address for `migrate`. */
async function listen(destination: Guest, address: string): Promise<string> {
  await destination.monitor.execute('migrate-incoming', { uri: `tcp:${address}:0` });
  const sockets = fieldsOf(await destination.monitor.execute('query-migrate'))['socket-address'];
  const socket = fieldsOf(Array.isArray(sockets) ? sockets[0] : undefined);
  return `tcp:${address}:${stringOf(socket, 'port')}`;
}

async function progress(guest: Guest): Promise<{ status: string; passes: number; answer: Fields }> {
  const answer = fieldsOf(await guest.monitor.execute('query-migrate'));
  const status = answer['status'];
  const ram = answer['ram'];
  return {
    status: typeof status === 'string' ? status : 'none',
    passes: isFields(ram) ? numberOf(ram, 'dirty-sync-count') - 1 : 0,
    answer,
  };
}

async function startPostcopy(source: Guest, afterPasses: number, deadline: number): Promise<void> {
  for (;;) {
    const { status, passes } = await progress(source);
    if (ended.has(status) || monotonicMs() > deadline) return;
    if (status === 'active' && passes >= afterPasses) break;
    await sleep(passPollMs);
  }
  await source.monitor.execute('migrate-start-postcopy');
}

/** Waits for the end, or makes one; returns the last answer with figures, which a cancelled migration has none of. */
async function waitForEnd(source: Guest, deadline: number): Promise<Fields> {
  for (;;) {
    const { status, answer } = await progress(source);
    if (ended.has(status)) return answer;
    if (monotonicMs() > deadline) {
      await cancel(source);
      return answer;
    }
    await sleep(pollMs);
  }
}

async function cancel(source: Guest): Promise<void> {
  await source.monitor.execute('migrate_cancel');
  await eventually(
    async () => ended.has((await progress(source)).status),
    graceMs,
    `the end of a cancelled migration of ${source.name}`,
    pollMs,
  );
}

function resultOf(
  last: Fields,
  figures: Fields,
  seen: SeenMove | undefined,
  from: number,
  to: number,
): QemuMigrationResult {
  const ram = isFields(figures['ram']) ? figures['ram'] : {};
  const differences = isFields(figures['xbzrle-cache']) ? figures['xbzrle-cache'] : {};
  const number = (fields: Fields, name: string): number => {
    const value = fields[name];
    return typeof value === 'number' ? value : 0;
  };
  const error = last['error-desc'];
  const status = stringOf(last, 'status');
  return {
    completed: status === 'completed',
    status: typeof error === 'string' ? `${status}: ${error}` : status,
    totalMs: number(figures, 'total-time'),
    downtimeMs: seen?.downtimeMs,
    runningMs: seen?.runningMs,
    reportedDowntimeMs: number(figures, 'downtime'),
    bytes: number(ram, 'transferred'),
    pages: number(ram, 'normal') + number(differences, 'pages'),
    zeroPages: number(ram, 'duplicate'),
    pageRequests: number(ram, 'postcopy-requests'),
    iterations: number(ram, 'dirty-sync-count'),
    from,
    to,
  };
}

/** Moves a guest by QEMU's own migration: what pageferry is measured against. */
export async function migrateByQemu(
  hosts: Hosts,
  source: Guest,
  destination: Guest,
  options: QemuMigrationOptions,
): Promise<QemuMigrationResult> {
  const method: Method = methods[options.method];
  await prepare(destination, method, options);
  await prepare(source, method, options);
  const uri = await listen(destination, hosts.destination.address);
  const from = monotonicMs();
  const deadline = from + (options.timeLimitMs ?? defaultTimeLimitMs);
  const downtime = watchDowntime(source, destination);
  await source.monitor.execute('migrate', { uri });
  if (method.postcopyAfterPasses !== undefined) {
    await startPostcopy(source, method.postcopyAfterPasses, deadline);
  }
  const figures = await waitForEnd(source, deadline);
  const { status, answer } = await progress(source);
  const to = monotonicMs();
  const seen = status === 'completed' ? await downtime() : undefined;
  return resultOf(answer, figures, seen, from, to);
}
