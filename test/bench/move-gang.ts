import type { Agents } from '../agents/agents.js';
import type { Gang } from '../agents/gang.js';
import type { Mode } from '../agents/migration.js';
import type { SourceClient } from '../agents/source-client.js';
import { mapSome } from '../environment/map-some.js';
import { monotonicMs } from '../guests/heartbeat.js';
import {
  migrateByQemu,
  type QemuMigrationMethod,
  type QemuMigrationResult,
} from '../hosts/qemu-migration.js';
import { watchDowntime } from '../hosts/watch-downtime.js';
import { gangOutcome, type MemberFigures } from './gang-outcome.js';
import type { Mover } from './method.js';
import type { Outcome, Pair } from './outcome.js';
import { giveUpMs, graceMs, pageferryRequest } from './pageferry-request.js';
import { contentPagesOf, encodingsOf } from './sent-pages.js';
import { sum } from './sum.js';

const pollMs = 200;

/** Moves all guests; gives up those that are still here after the time that one has. */
export async function moveGang(
  agents: Agents,
  pairs: readonly Pair[],
  { mode, qemu, gang, title }: Mover,
): Promise<Outcome> {
  if (qemu !== undefined) return moveByQemu(agents, pairs, qemu, gang === 'together' ? pairs.length : 1);
  if (mode !== undefined) return moveByPageferry(agents, pairs, mode);
  throw new Error(`nobody moves a gang by ${title}`);
}

async function moveByQemu(
  { hosts }: Agents,
  pairs: readonly Pair[],
  method: QemuMigrationMethod,
  atOnce: number,
): Promise<Outcome> {
  const deadline = monotonicMs() + giveUpMs;
  const moved = await mapSome(pairs, atOnce, ({ source, destination }) => {
    const timeLimitMs = Math.max(deadline - monotonicMs(), 0);
    return migrateByQemu(hosts, source, destination, { method, timeLimitMs });
  });
  const pages = sum(moved.map((one) => one.pages));
  const from = Math.min(...moved.map((one) => one.from));
  const to = Math.max(...moved.map(endOf));
  return gangOutcome(moved.map(memberOfQemu), {
    totalMs: to - from,
    pages,
    pageRequests: sum(moved.map((one) => one.pageRequests)),
    encodings: { normal: pages, zero: sum(moved.map((one) => one.zeroPages)) },
  });
}

/** By QEMU's own account, unless it was given up: that it had ended was seen a little later. */
const endOf = ({ completed, from, to, totalMs }: QemuMigrationResult): number =>
  completed ? from + totalMs : to;

const memberOfQemu = (moved: QemuMigrationResult): MemberFigures => ({
  completed: moved.completed,
  error: moved.completed ? null : moved.status,
  downtimeMs: moved.downtimeMs ?? null,
  reportedDowntimeMs: moved.completed ? moved.reportedDowntimeMs : null,
});

async function moveByPageferry(agents: Agents, pairs: readonly Pair[], mode: Mode): Promise<Outcome> {
  const { client } = agents.sourceAgent;
  const downtimes = pairs.map(({ source, destination }) => watchDowntime(source, destination));
  const { id } = await client.moveGang({
    guests: pairs.map(({ source }) => source.name),
    destination: { url: agents.destinationAgent.url },
    ...pageferryRequest(mode),
  });
  const gang = await untilOver(client, id);
  const members = await mapSome(downtimes, downtimes.length, async (downtime, index) => {
    const member = gang.guests[index];
    const completed = member?.state === 'moved';
    const seen = completed ? await downtime() : undefined;
    return {
      completed,
      error: member?.error?.detail ?? null,
      downtimeMs: seen?.downtimeMs ?? null,
      reportedDowntimeMs: completed ? member.downtimeMs : null,
    };
  });
  return gangOutcome(members, {
    totalMs: gang.totalMs,
    pages: contentPagesOf(gang.sent.pages),
    pageRequests: gang.sent.pages.requested,
    encodings: { ...encodingsOf(gang.sent.pages), free: await freePagesOf(client, gang) },
  });
}

async function untilOver(client: SourceClient, id: string): Promise<Gang> {
  const giveUp = setTimeout(() => {
    // It may be over at this very moment.
    client.cancelGang(id).catch(() => undefined);
  }, giveUpMs);
  try {
    return await client.gangWhenOver(id, giveUpMs + graceMs, pollMs);
  } finally {
    clearTimeout(giveUp);
  }
}

/** Pages that were left out because their guests had no use for them. */
async function freePagesOf(client: SourceClient, { guests }: Gang): Promise<number> {
  const migrations = await Promise.all(
    guests.flatMap(({ migration }) => (migration === null ? [] : [client.get(migration)])),
  );
  return sum(migrations.map(({ pageFilter }) => pageFilter?.leftOut ?? 0));
}
