import type { Agents } from '../agents/agents.js';
import { requestMove } from '../agents/move-guest.js';
import type { MigrationRequest } from '../agents/source-client.js';
import { migrateByQemu, type QemuMigrationMethod } from '../hosts/qemu-migration.js';
import { watchDowntime } from '../hosts/watch-downtime.js';
import { moverOf, type Method } from './method.js';
import { moveGang } from './move-gang.js';
import type { MoveFigures, Outcome, Pair } from './outcome.js';
import { giveUpMs, graceMs, pageferryRequest } from './pageferry-request.js';
import { contentPagesOf } from './sent-pages.js';

/** To ask takes processor time of the daemon, and what is told it has measured itself. */
const pollMs = 100;

/** Moves guests into QEMUs that wait on the other host; gives up in time. */
export async function move(agents: Agents, pairs: readonly Pair[], method: Method): Promise<Outcome> {
  const mover = moverOf(method);
  if (mover.gang !== undefined) return moveGang(agents, pairs, mover);
  const [pair] = pairs;
  if (pair === undefined || pairs.length > 1) throw new Error(`one guest is moved by ${method}`);
  const figures = await moveOne(agents, pair, method);
  return { figures, arrived: [figures.completed] };
}

async function moveOne(agents: Agents, pair: Pair, method: Method): Promise<MoveFigures> {
  const mover = moverOf(method);
  const { mode, qemu } = mover;
  if (qemu !== undefined) return moveByQemu(agents, pair, qemu);
  if (mode !== undefined) return moveByPageferry(agents, pair, pageferryRequest(mode, mover));
  throw new Error(`nobody moves a guest by ${method}`);
}

async function moveByQemu(
  { hosts }: Agents,
  { source, destination }: Pair,
  method: QemuMigrationMethod,
): Promise<MoveFigures> {
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
  { source, destination }: Pair,
  request: Omit<MigrationRequest, 'guest' | 'destination'>,
): Promise<MoveFigures> {
  const { client } = agents.sourceAgent;
  const downtime = watchDowntime(source, destination);
  const { id } = await requestMove(source, agents, request);
  const moved = await client.waitUntilOver(id, giveUpMs + graceMs, { intervalMs: pollMs });
  const completed = moved.state === 'completed';
  const seen = completed ? await downtime() : undefined;
  return {
    completed,
    error: moved.error === null ? null : moved.error.detail,
    totalMs: moved.totalMs,
    downtimeMs: seen?.downtimeMs ?? null,
    runningMs: seen?.runningMs ?? null,
    reportedDowntimeMs: completed ? moved.downtimeMs : null,
    pages: contentPagesOf(moved.pages),
    pageRequests: moved.pages.requested,
  };
}
