import { PROCESSOR_WEIGHT } from '@pageferry/daemon';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAgents, type Agents } from '../agents/agents.js';
import { startIncoming } from '../agents/move-guest.js';
import { mapSome } from '../environment/map-some.js';
import { initramfsWithBalloon } from '../guests/balloon-driver.js';
import { monotonicMs } from '../guests/heartbeat.js';
import type { GuestHardware } from '../guests/qemu-arguments.js';
import { openStorageHost, type StorageHost } from '../hosts/storage-host.js';
import { activityOf, watchAfterSwitchOver } from './activity.js';
import { countContentPages } from './content-pages.js';
import { errorsOf, livesOf, togetherOf, type LoadedPair } from './guests-view.js';
import { runInGuest } from './in-guest.js';
import type { Link } from './link.js';
import type { Load } from './load.js';
import { isQemus, moverOf, type Method } from './method.js';
import { move } from './move.js';
import type { Outcome } from './outcome.js';
import { prepareGang } from './prepare-gang.js';
import { peakBytes, processorMs } from './process-figures.js';
import type { Activity, Run } from './run.js';
import type { Scenario } from './scenario.js';
import { sum } from './sum.js';
import { warmUp } from './warm-up.js';

export interface Measurement {
  readonly scenario: Scenario;
  readonly link: Link;
  readonly method: Method;
}

/** All that one migration tells; what it was and where is for the caller to add. */
export type Figures = Omit<Run, 'scenario' | 'link' | 'method' | 'date' | 'machine'>;

const defaultUsualWorkMs = 1000;
/** Guests that boot, or check themselves, at once: emulated, each of them takes a processor for itself. */
const busyAtOnce = availableParallelism();

/**
 * A machine whose own host takes free memory back needs several times as long to touch it for the first time as others do: that
 * would be measured of every method, and hide what else takes time.
 */
const incomingMemory = { memoryBackend: 'reserved' } as const;

/** What the guests of a measurement are moved between, and read from. */
interface Place {
  readonly agents: Agents;
  readonly storage: StorageHost | undefined;
}

/** Boots guests, moves them by the method, lets them check themselves, and ends everything. */
export async function measure({ scenario, link, method }: Measurement): Promise<Figures> {
  const agents = await startAgents(link === null ? {} : { megabitsPerSecond: link });
  const loads = Array.from({ length: scenario.guests ?? 1 }, (_nothing, index) => scenario.load(link, index));
  let storage: StorageHost | undefined;
  try {
    const { mode, first = false } = moverOf(method);
    const movedBefore = mode === undefined || first ? 0 : await warmUp(agents, method);
    if (scenario.storage !== undefined) storage = await openStorageHost(agents.hosts);
    const place = { agents, storage };
    const pairs = await mapSome(loads, busyAtOnce, (load, index) =>
      bootPair(place, load, scenario, method, `guest${index + 1}`),
    );
    await storage?.shape(scenario.storage?.(link) ?? undefined);
    const figures = await moveAndCheck(place, pairs, method, scenario.aroundMs);
    return mode === undefined ? figures : { ...figures, movedBefore, processorWeight: PROCESSOR_WEIGHT };
  } finally {
    await agents.close();
    await storage?.close();
    for (const load of loads) await load.close?.();
  }
}

async function bootPair(
  { agents, storage }: Place,
  load: Load,
  { memoryMiB, beatMs }: Scenario,
  method: Method,
  name: string,
): Promise<LoadedPair> {
  const source = await agents.source.startGuest({
    name,
    memoryMiB,
    ...(await load.hardware?.(storage)),
    ...(moverOf(method).freePageHints === true && (await hintingHardware())),
  });
  await source.waitUntilReady();
  await load.start(source);
  if (beatMs !== undefined) await source.workload.beatEvery(beatMs);
  return { load, source, destination: await startIncoming(source, agents.destination, incomingMemory) };
}

async function hintingHardware(): Promise<Pick<GuestHardware, 'initramfs' | 'freePageHints'>> {
  return { initramfs: await initramfsWithBalloon(), freePageHints: true };
}

/** As whoever moves a guest that matters does before; it is not the first thing that a daemon does then, either. */
async function dryRun(agents: Agents, { source: { name } }: LoadedPair, method: Method): Promise<void> {
  const { mode } = moverOf(method);
  if (mode === undefined) return;
  const destination = { url: agents.destinationAgent.url };
  const findings = await agents.sourceAgent.client.examine({ guest: name, destination, mode });
  if (findings.length > 0) throw new Error(`${name} cannot be moved: ${findings.join('; ')}`);
}

async function moveAndCheck(
  { agents, storage }: Place,
  pairs: readonly LoadedPair[],
  method: Method,
  aroundMs: number | undefined,
): Promise<Figures> {
  for (const pair of pairs) await dryRun(agents, pair, method);
  const contentPages = await mapSome(pairs, 1, ({ source }) => countContentPages(source));
  const around = aroundMs === undefined ? undefined : lookAround(pairs, aroundMs);
  const before = await around?.before();
  const undisturbedRate = before?.rate ?? (await rateOf(pairs));
  if (moverOf(method).dropCache === true) await dropCaches(pairs);
  const prepared =
    moverOf(method).prepared === true ? await prepareGang(agents, pairs, () => rateOf(pairs)) : undefined;
  const daemons = isQemus(method) ? [] : [agents.sourceAgent.pid, agents.destinationAgent.pid];
  const sides = [
    [...pairs.map(({ source }) => source.pid), ...daemons.slice(0, 1)],
    [...pairs.map(({ destination }) => destination.pid), ...daemons.slice(1)],
  ] as const;
  const cpuBefore = sides.map(processorMs);
  const cpuSince = (side: 0 | 1): number | null => {
    const [before, after] = [cpuBefore[side], processorMs(sides[side])];
    return before === undefined || after === undefined ? null : after - before;
  };
  const { sentBytes: sentBefore } = await agents.hosts.source.traffic();
  const storageBefore = await storage?.traffic('destination');
  const workBefore = await workOf(pairs);
  const from = monotonicMs();
  const { figures, arrived } = await move(agents, pairs, method).catch(lost);
  const to = monotonicMs();
  const { sentBytes } = await agents.hosts.source.traffic();
  const storageAfter = await storage?.traffic('destination');
  const [sourceCpuMs, destinationCpuMs] = [cpuSince(0), cpuSince(1)];
  const lives = await livesOf(pairs, { from, to, workBefore, arrived });
  const after = arrived[0] === true ? await around?.after() : null;
  return {
    ...figures,
    memoryReserved: true,
    ...(figures.gang && prepared && { gang: { ...figures.gang, ...prepared } }),
    contentPages: sum(contentPages),
    undisturbedRate,
    sourceCpuMs,
    destinationCpuMs,
    wireBytes: sentBytes - sentBefore,
    ...(storageBefore &&
      storageAfter && { storageBytes: storageAfter.receivedBytes - storageBefore.receivedBytes }),
    ...(aroundMs !== undefined && before && { around: { windowMs: aroundMs, before, after: after ?? null } }),
    daemonPeakBytes: daemons.length === 0 ? null : Math.max(...daemons.map(peakBytes)),
    ...togetherOf(lives),
    guestErrors: await errorsOf(pairs, lives, arrived, busyAtOnce),
  };
}

interface LookAround {
  before(): Promise<Activity>;
  after(): Promise<Activity | null>;
}

/** Looks at what one guest does, now and from when it runs on the destination. */
function lookAround(pairs: readonly LoadedPair[], windowMs: number): LookAround {
  const [pair] = pairs;
  if (pair === undefined || pairs.length > 1) throw new Error('only one guest is looked at');
  const after = watchAfterSwitchOver(pair.load, pair, windowMs);
  return { before: () => activityOf(pair.load, pair.source, windowMs), after };
}

/** Lets the guests forget all of their page cache that is clean. */
async function dropCaches(pairs: readonly LoadedPair[]): Promise<void> {
  for (const { source } of pairs) await runInGuest(source, 'sync; echo 1 > /proc/sys/vm/drop_caches');
}

/** What each of the guests has done so far. */
const workOf = (pairs: readonly LoadedPair[]): Promise<number[]> =>
  Promise.all(pairs.map(({ load, source }) => load.work(source)));

async function rateOf(pairs: readonly LoadedPair[]): Promise<number> {
  const before = sum(await workOf(pairs));
  const from = monotonicMs();
  await sleep(Math.max(...pairs.map(({ load }) => load.usualWorkMs ?? defaultUsualWorkMs)));
  const after = sum(await workOf(pairs));
  return ((after - before) * 1000) / (monotonicMs() - from);
}

/** A migration without an end. */
function lost(error: unknown): Outcome {
  const figures = {
    completed: false,
    error: error instanceof Error ? error.message : String(error),
    totalMs: 0,
    downtimeMs: null,
    runningMs: null,
    reportedDowntimeMs: null,
    pages: 0,
    pageRequests: 0,
  };
  return { figures, arrived: [] };
}
