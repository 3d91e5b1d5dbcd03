/**
 * Measures by how much guests slow down while they are prepared: what they get done in windows of time with a preparation and
 * without one, in turn. The guests write memory as fast as their processors let them, and there are as many of them as the host
 * has processors: whatever the preparation takes, it takes from them.
 */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { startAgents, type Agents } from '../../agents/agents.js';
import type { Preparation } from '../../agents/preparation.js';
import type { SourceClient } from '../../agents/source-client.js';
import { mapSome } from '../../environment/map-some.js';
import { ensureEnvironment } from '../../environment/install.js';
import type { Guest } from '../../guests/guest.js';
import { monotonicMs } from '../../guests/heartbeat.js';
import { sum } from '../sum.js';
import { writerLoad } from '../writer-load.js';

interface Options {
  readonly guests: string;
  readonly memory: string;
  readonly rounds: string;
  readonly window: string;
  readonly processorShare: string;
}

/** A window with a preparation, or without one. */
interface Window {
  /** Pages that the guests have written in a second, all together. */
  readonly rate: number;
  /** What the preparation has taken, of one processor; 0 without one. */
  readonly share: number;
}

const options = new Command('npm run bench:prepare --')
  .description('Measures by how much guests slow down while they are prepared.')
  .option('--guests <number>', 'as many as there are processors by default', String(availableParallelism()))
  .option('--memory <MiB>', 'of each guest', '1024')
  .option('--rounds <number>', 'pairs of windows', '8')
  .option('--window <s>', 'how long one is', '5')
  .option('--processor-share <percent>', 'of one processor', '5')
  .parse()
  .opts<Options>();

const load = writerLoad({
  description: 'as fast as they can',
  fillMiB: Math.floor(Number(options.memory) / 2),
  plans: [{ megabytesPerSecond: 100_000 }],
});
const windowMs = Number(options.window) * 1000;
const settlingMs = 500;

async function boot(agents: Agents): Promise<Guest[]> {
  const numbers = Array.from({ length: Number(options.guests) }, (_nothing, index) => index + 1);
  return mapSome(numbers, availableParallelism(), async (number) => {
    const guest = await agents.source.startGuest({
      name: `guest${number}`,
      memoryMiB: Number(options.memory),
    });
    await guest.waitUntilReady();
    await load.start(guest);
    return guest;
  });
}

async function rateOf(guests: readonly Guest[]): Promise<number> {
  const work = async (): Promise<number> => sum(await Promise.all(guests.map((guest) => load.work(guest))));
  const [before, from] = [await work(), monotonicMs()];
  await sleep(windowMs);
  const [after, to] = [await work(), monotonicMs()];
  return ((after - before) * 1000) / (to - from);
}

async function without(_agents: Agents, guests: readonly Guest[]): Promise<Window> {
  await sleep(settlingMs);
  return { rate: await rateOf(guests), share: 0 };
}

async function withPreparation(
  { sourceAgent: { client } }: Agents,
  guests: readonly Guest[],
): Promise<Window> {
  const processorShare = Number(options.processorShare);
  const { id } = await client.prepare({ guests: guests.map(({ name }) => name), processorShare });
  await sleep(settlingMs);
  const [before, from] = await freshly(client, id);
  const rate = await rateOf(guests);
  const [after, to] = await freshly(client, id);
  await client.endPreparation(id);
  if (after.state !== 'indexing')
    throw new Error('the preparation was through before the window was: more memory, or shorter windows');
  return { rate, share: (after.processorMs - before.processorMs) / (to - from) };
}

/** The preparation as soon as it has told something new, and when that was: it tells of itself only now and then. */
async function freshly(client: SourceClient, id: string): Promise<readonly [Preparation, number]> {
  const { processorMs } = await client.preparation(id);
  const told = await client.preparationWhen(id, (preparation) => preparation.processorMs !== processorMs);
  return [told, monotonicMs()];
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return ((low ?? NaN) + (high ?? NaN)) / 2;
}

const percent = (fraction: number): string => `${(fraction * 100).toFixed(1)}%`;

await ensureEnvironment({ log: console.error });
const agents = await startAgents();
try {
  const guests = await boot(agents);
  const slowDowns: number[] = [];
  const shares: number[] = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    // Which comes first takes turns, too: what drifts must not count for one of them.
    const preparedFirst = round % 2 === 1;
    const first = await (preparedFirst ? withPreparation : without)(agents, guests);
    const second = await (preparedFirst ? without : withPreparation)(agents, guests);
    const [undisturbed, prepared] = preparedFirst ? [second, first] : [first, second];
    slowDowns.push(1 - prepared.rate / undisturbed.rate);
    shares.push(prepared.share);
    console.error(
      `${round + 1}: ${Math.round(undisturbed.rate)} pages/s without, ${Math.round(prepared.rate)} with a preparation: ` +
        `slow-down ${percent(slowDowns.at(-1) ?? NaN)}, ${percent(prepared.share)} of a processor`,
    );
  }
  const errors = sum(await mapSome(guests, availableParallelism(), (guest) => load.check(guest)));
  console.log(
    JSON.stringify({
      guests: guests.length,
      slowDown: medianOf(slowDowns),
      lowest: Math.min(...slowDowns),
      highest: Math.max(...slowDowns),
      processorShare: medianOf(shares),
      guestErrors: errors,
    }),
  );
} finally {
  await agents.close();
}
process.exit(0);
