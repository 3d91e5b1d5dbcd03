import { setTimeout as sleep } from 'node:timers/promises';
import { startAgents, type Agents } from '../agents/agents.js';
import { startIncoming } from '../agents/move-guest.js';
import { initramfsWithBalloon } from '../guests/balloon-driver.js';
import type { Guest } from '../guests/guest.js';
import { longestGap, monotonicMs } from '../guests/heartbeat.js';
import type { GuestHardware } from '../guests/qemu-arguments.js';
import { countContentPages } from './content-pages.js';
import type { Link } from './link.js';
import type { Load } from './load.js';
import { isQemus, moverOf, type Method } from './method.js';
import { move, type Outcome } from './move.js';
import { peakBytes, processorMs } from './process-figures.js';
import type { Run } from './run.js';
import type { Scenario } from './scenario.js';

export interface Measurement {
  readonly scenario: Scenario;
  readonly link: Link;
  readonly method: Method;
}

/** All that one migration tells; what it was and where is for the caller to add. */
export type Figures = Omit<Run, 'scenario' | 'link' | 'method' | 'date' | 'machine'>;

const undisturbedMs = 1000;

/** A guest at its work, and everything that is needed to move it. */
interface Prepared {
  readonly agents: Agents;
  readonly load: Load;
  readonly source: Guest;
  readonly destination: Guest;
}

/** Boots a guest, moves it by the method, lets it check itself, and ends everything. */
export async function measure({ scenario, link, method }: Measurement): Promise<Figures> {
  const agents = await startAgents(link === null ? {} : { megabitsPerSecond: link });
  const load = scenario.load(link);
  try {
    const source = await agents.source.startGuest({
      name: 'guest',
      memoryMiB: scenario.memoryMiB,
      ...(await load.hardware?.()),
      ...(moverOf(method).freePageHints === true && (await hintingHardware())),
    });
    await source.waitUntilReady();
    await load.start(source);
    const destination = await startIncoming(source, agents.destination);
    return await moveAndCheck({ agents, load, source, destination }, method);
  } finally {
    await agents.close();
    await load.close?.();
  }
}

async function hintingHardware(): Promise<Pick<GuestHardware, 'initramfs' | 'freePageHints'>> {
  return { initramfs: await initramfsWithBalloon(), freePageHints: true };
}

/** As whoever moves a guest that matters does before; it is not the first thing that a daemon does then, either. */
async function dryRun(agents: Agents, { name }: Guest, method: Method): Promise<void> {
  const { mode } = moverOf(method);
  if (mode === undefined) return;
  const destination = { url: agents.destinationAgent.url };
  const findings = await agents.sourceAgent.client.examine({ guest: name, destination, mode });
  if (findings.length > 0) throw new Error(`the guest cannot be moved: ${findings.join('; ')}`);
}

async function moveAndCheck(prepared: Prepared, method: Method): Promise<Figures> {
  const { agents, load, source, destination } = prepared;
  await dryRun(agents, source, method);
  const contentPages = await countContentPages(source);
  const undisturbedRate = await rateOf(load, source);
  const daemons = isQemus(method) ? [] : [agents.sourceAgent.pid, agents.destinationAgent.pid];
  const sides = [
    [source.pid, ...daemons.slice(0, 1)],
    [destination.pid, ...daemons.slice(1)],
  ] as const;
  const cpuBefore = sides.map(processorMs);
  const cpuSince = (side: 0 | 1): number | null => {
    const [before, after] = [cpuBefore[side], processorMs(sides[side])];
    return before === undefined || after === undefined ? null : after - before;
  };
  const { sentBytes: sentBefore } = await agents.hosts.source.traffic();
  const workBefore = await load.work(source);
  const from = monotonicMs();
  const outcome = await move(agents, source, destination, method).catch(lost);
  const to = monotonicMs();
  const { sentBytes } = await agents.hosts.source.traffic();
  const [sourceCpuMs, destinationCpuMs] = [cpuSince(0), cpuSince(1)];
  return {
    ...outcome,
    contentPages,
    undisturbedRate,
    sourceCpuMs,
    destinationCpuMs,
    wireBytes: sentBytes - sentBefore,
    daemonPeakBytes: daemons.length === 0 ? null : Math.max(...daemons.map(peakBytes)),
    ...(await guestsView(prepared, outcome.completed, { from, to, workBefore })),
  };
}

async function rateOf(load: Load, guest: Guest): Promise<number> {
  const before = await load.work(guest);
  const from = monotonicMs();
  await sleep(undisturbedMs);
  const after = await load.work(guest);
  return ((after - before) * 1000) / (monotonicMs() - from);
}

/** A migration without an end. */
function lost(error: unknown): Outcome {
  return {
    completed: false,
    error: error instanceof Error ? error.message : String(error),
    totalMs: 0,
    downtimeMs: null,
    runningMs: null,
    reportedDowntimeMs: null,
    pages: 0,
    pageRequests: 0,
  };
}

async function guestsView(
  { load, source, destination }: Prepared,
  moved: boolean,
  { from, to, workBefore }: { readonly from: number; readonly to: number; readonly workBefore: number },
): Promise<Pick<Run, 'guestGapMs' | 'rate' | 'guestErrors'>> {
  const home = moved ? destination : source;
  try {
    await home.workload.waitUntilAnswering(30_000);
    const rate = (((await load.work(home)) - workBefore) * 1000) / (monotonicMs() - from);
    const heartbeats = [await source.workload.heartbeats(), await destination.workload.heartbeats()];
    return {
      rate,
      guestGapMs: longestGap(heartbeats, from, to).milliseconds,
      guestErrors: await load.check(home),
    };
  } catch (error) {
    console.error(`the guest is lost: ${String(error)}\n${home.log().slice(-2000)}`);
    return { rate: null, guestGapMs: null, guestErrors: null };
  }
}
