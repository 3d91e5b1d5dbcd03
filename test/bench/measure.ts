import { readFileSync } from 'node:fs';
import { startAgents, type Agents } from '../agents/agents.js';
import { requestMove, startIncoming } from '../agents/move-guest.js';
import type { Guest } from '../guests/guest.js';
import { longestGap, monotonicMs } from '../guests/heartbeat.js';
import { migrateByQemu } from '../hosts/qemu-migration.js';
import type { Method, Scenario } from './scenarios.js';

/** One migration of one guest. Times in ms. */
export interface Run {
  readonly scenario: string;
  readonly method: Method;
  readonly completed: boolean;
  readonly totalMs: number;
  readonly downtimeMs: number | null;
  /** The longest time in which the guest's own workload made no progress. */
  readonly guestGapMs: number;
  /** That the source's network interface sent. */
  readonly wireBytes: number;
  readonly pages: number;
  readonly pageRequests: number;
  /** Processor time of both QEMUs and, if they were there, both daemons. */
  readonly cpuMs: number;
  /** The larger one of the daemons' peaks, bytes; null for QEMU's own migration. */
  readonly daemonPeakBytes: number | null;
  readonly guestErrors: number;
}

type Outcome = Pick<Run, 'completed' | 'totalMs' | 'downtimeMs' | 'pages' | 'pageRequests'>;

const giveUpMs = 120_000;
const clockTickMs = 10;

/** Boots a guest, moves it by the method, lets it check itself, and ends everything. */
export async function measure(scenario: Scenario, method: Method): Promise<Run> {
  const { megabitsPerSecond, memoryMiB, fillMiB, megabytesPerSecond } = scenario;
  const agents = await startAgents(megabitsPerSecond === undefined ? {} : { megabitsPerSecond });
  try {
    const source = await agents.source.startGuest({ name: 'guest', memoryMiB });
    await source.waitUntilReady();
    await source.workload.fill(fillMiB, 1, 'random');
    await source.workload.write({ megabytesPerSecond });
    const destination = await startIncoming(source, agents.destination);

    const byQemu = method === 'qemu-precopy' || method === 'qemu-postcopy';
    const daemons = byQemu ? [] : [agents.sourceAgent.pid, agents.destinationAgent.pid];
    const processes = [source.pid, destination.pid, ...daemons];
    const cpuBefore = processorMs(processes);
    const { sentBytes: sentBefore } = await agents.hosts.source.traffic();
    const from = monotonicMs();
    const outcome = byQemu
      ? await moveByQemu(agents, source, destination, method)
      : await moveByPageferry(agents, source, method);
    const to = monotonicMs();
    const { sentBytes } = await agents.hosts.source.traffic();
    const cpuMs = processorMs(processes) - cpuBefore;
    const home = outcome.completed ? destination : source;
    await home.waitUntilReady();
    const { errors } = await home.workload.check();
    const heartbeats = [await source.workload.heartbeats(), await destination.workload.heartbeats()];
    return {
      scenario: scenario.name,
      method,
      ...outcome,
      guestGapMs: longestGap(heartbeats, from, to).milliseconds,
      wireBytes: sentBytes - sentBefore,
      cpuMs,
      daemonPeakBytes: byQemu ? null : Math.max(...daemons.map(peakBytes)),
      guestErrors: errors,
    };
  } finally {
    await agents.close();
  }
}

async function moveByQemu(
  { hosts }: Agents,
  source: Guest,
  destination: Guest,
  method: 'qemu-precopy' | 'qemu-postcopy',
): Promise<Outcome> {
  const { completed, totalMs, downtimeMs, pages, pageRequests } = await migrateByQemu(
    hosts,
    source,
    destination,
    { method: method === 'qemu-precopy' ? 'precopy' : 'postcopy', timeLimitMs: giveUpMs },
  );
  return { completed, totalMs, downtimeMs: downtimeMs ?? null, pages, pageRequests };
}

async function moveByPageferry(
  agents: Agents,
  source: Guest,
  mode: 'precopy' | 'postcopy' | 'hybrid',
): Promise<Outcome> {
  // The source's QEMU is kept, for its processor time.
  const { id } = await requestMove(source, agents, { mode, sourceAfter: 'keep', timeLimitMs: giveUpMs });
  const moved = await agents.sourceAgent.client.waitUntilOver(id, giveUpMs + 30_000, { intervalMs: 50 });
  return {
    completed: moved.state === 'completed',
    totalMs: moved.totalMs,
    downtimeMs: moved.downtimeMs,
    pages: moved.pages.normal,
    pageRequests: moved.pages.requested,
  };
}

/** User and system time so far (proc(5), `/proc/PID/stat`, fields 14 and 15). */
function processorMs(pids: readonly number[]): number {
  return pids
    .map((pid) => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) * clockTickMs;
    })
    .reduce((sum, ms) => sum + ms, 0);
}

function peakBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
