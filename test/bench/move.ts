import type { Agents } from '../agents/agents.js';
import type { Migration, Mode } from '../agents/migration.js';
import { requestMove } from '../agents/move-guest.js';
import type { Guest } from '../guests/guest.js';
import { migrateByQemu, type QemuMigrationMethod } from '../hosts/qemu-migration.js';
import { watchDowntime } from '../hosts/watch-downtime.js';
import { moverOf, type Method } from './method.js';
import type { Run } from './run.js';

/** What the one that moved the guest says about it. */
export type Outcome = Pick<
  Run,
  | 'completed'
  | 'error'
  | 'totalMs'
  | 'downtimeMs'
  | 'runningMs'
  | 'reportedDowntimeMs'
  | 'pages'
  | 'pageRequests'
>;

export const giveUpMs = 120_000;
/** To end a migration that is given up. */
const graceMs = 30_000;

/** Moves a guest into a QEMU that waits on the other host; gives up in time. */
export async function move(
  agents: Agents,
  source: Guest,
  destination: Guest,
  method: Method,
): Promise<Outcome> {
  const { mode, qemu } = moverOf(method);
  if (qemu !== undefined) return moveByQemu(agents, source, destination, qemu);
  if (mode !== undefined) return moveByPageferry(agents, source, destination, mode);
  throw new Error(`nobody moves a guest by ${method}`);
}

async function moveByQemu(
  { hosts }: Agents,
  source: Guest,
  destination: Guest,
  method: QemuMigrationMethod,
): Promise<Outcome> {
  const moved = await migrateByQemu(hosts, source, destination, { method, timeLimitMs: giveUpMs });
  return {
    completed: moved.completed,
    error: moved.completed ? null : moved.status,
    totalMs: moved.totalMs,
    downtimeMs: moved.downtimeMs ?? null,
    runningMs: moved.runningMs ?? null,
    reportedDowntimeMs: moved.completed ? moved.reportedDowntimeMs : null,
    pages: moved.pages,
    pageRequests: moved.pageRequests,
  };
}

async function moveByPageferry(
  agents: Agents,
  source: Guest,
  destination: Guest,
  mode: Mode,
): Promise<Outcome> {
  const { client } = agents.sourceAgent;
  const downtime = watchDowntime(source, destination);
  // The source's QEMU is kept, for its processor time.
  const { id } = await requestMove(source, agents, {
    mode,
    sourceAfter: 'keep',
    timeLimitMs: giveUpMs,
    // QEMU would go on for ever; an operator who wants the guest to be gone lets it be stopped.
    ...(mode === 'precopy' ? { whenStalled: 'stop' } : {}),
  });
  const moved = await client.waitUntilOver(id, giveUpMs + graceMs, { intervalMs: 50 });
  const completed = moved.state === 'completed';
  const seen = completed ? await downtime() : undefined;
  return {
    completed,
    error: moved.error === null ? null : moved.error.detail,
    totalMs: moved.totalMs,
    downtimeMs: seen?.downtimeMs ?? null,
    runningMs: seen?.runningMs ?? null,
    reportedDowntimeMs: completed ? moved.downtimeMs : null,
    pages: contentPagesOf(moved),
    pageRequests: moved.pages.requested,
  };
}

/**
 * Counts of pages without content, and counts of pages by another property than their encoding. Every other count is
 * one of pages sent with content: an encoding that is not known here is rather counted than overlooked.
 */
const notContent: ReadonlySet<string> = new Set(['zero', 'unchanged', 'compressed', 'requested', 'pushed']);

function contentPagesOf({ pages }: Migration): number {
  return Object.entries(pages)
    .filter(([encoding]) => !notContent.has(encoding))
    .reduce((sum, [, count]) => sum + count, 0);
}
