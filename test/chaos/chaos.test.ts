import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '@pageferry/simulator';
import { expect, test } from 'vitest';
import type { Mode } from '../agents/migration.js';
import { startIncoming } from '../agents/move-guest.js';
import { eventually } from '../environment/deadline.js';
import type { Guest } from '../guests/guest.js';
import { alike } from '../scenarios/support/alike.js';
import { bootGuest, filledPages } from '../scenarios/support/boot-guest.js';
import { expectWhole } from '../scenarios/support/expect-whole.js';
import { useAgents } from '../scenarios/support/use-agents.js';
import { faults, type Moving } from './faults.js';

// For as long as one likes: guests move in every mode, and something or someone stops that at any moment.

const minutes = Number(process.env['CHAOS_MINUTES'] ?? 10);
const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 2 ** 31);

const fillMiB = 48;
const overMs = 150_000;
const settledMs = 20_000;
const answerMs = 3000;
/** Soon after the request, or somewhere in the whole of it. */
const delaysMs = [300, 1000, 2500];

const agents = useAgents();
const another = alike(
  () => agents().source,
  () => bootGuest(agents().source, { memoryMiB: 256, fillMiB, megabytesPerSecond: 20 }),
);

const random = seededRandom(seed);
function oneOf<T>(values: readonly T[]): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new Error('there is nothing to choose from');
  return value;
}

/** Whether QEMU says so; one that is held, or gone, does not. */
async function isRunning(guest: Guest): Promise<boolean> {
  const state = guest.state().catch(() => 'gone');
  return (await Promise.race([state, guest.exited, sleep(answerMs)])) === 'running';
}

/** Looks until it is told to stop; answers the names of guests that ran on both hosts. */
async function watch(pairs: readonly Omit<Moving, 'migration'>[], signal: AbortSignal): Promise<Set<string>> {
  const both = new Set<string>();
  while (!signal.aborted) {
    for (const { source, destination } of pairs) {
      // Whoever runs there must have stopped here before.
      if ((await isRunning(destination)) && (await isRunning(source))) both.add(source.name);
    }
    await sleep(20);
  }
  return both;
}

/** Has the guests move; answers how to learn which migration is the first one's, and when all are over. */
async function move(
  guests: readonly string[],
  mode: Mode,
): Promise<{
  readonly first: string | undefined;
  readonly over: () => Promise<string>;
}> {
  const { client } = agents().sourceAgent;
  const destination = { url: agents().destinationAgent.url };
  const [only] = guests;
  if (guests.length > 1 || only === undefined) {
    const { id } = await client.moveGang({ guests, destination, mode, atOnce: oneOf([1, 2]) });
    const { guests: members } = await client.gangWhen(id, (gang) => gang.guests[0]?.migration !== null);
    return {
      first: members[0]?.migration ?? undefined,
      over: async () => (await agents().sourceAgent.client.gangWhenOver(id, overMs)).state,
    };
  }
  const { id } = await client.migrate({ guest: only, destination, mode });
  return {
    first: id,
    over: async () => (await agents().sourceAgent.client.waitUntilOver(id, overMs)).state,
  };
}

async function wasHandedOver(migration: string | undefined): Promise<boolean> {
  if (migration === undefined) return false;
  const { state, error } = await agents().sourceAgent.client.get(migration);
  return state === 'completed' || error?.type === 'urn:pageferry:error:guest-lost';
}

async function round(number: number): Promise<void> {
  const [fault, mode] = [oneOf(faults), oneOf<Mode>(['precopy', 'hybrid', 'postcopy'])];
  const [megabits, faultMs] = [oneOf([150, 400, 1000]), oneOf([200, 1000, 5000, 12_000, 35_000])];
  const delayMs = Math.floor(random() * oneOf(delaysMs));
  const names = oneOf([['guest1'], ['guest1', 'guest2']]);
  const what = `${number}: ${names.length} by ${mode}, ${megabits} Mb/s; after ${delayMs} ms ${fault.name}, ${faultMs} ms`;
  console.log(what);

  await agents().hosts.shape(megabits);
  const pairs = await Promise.all(
    names.map(async (name) => {
      const source = await another({ name });
      return { source, destination: await startIncoming(source, agents().destination) };
    }),
  );
  const { first, over } = await move(names, mode);
  const watched = new AbortController();
  const both = watch(pairs, watched.signal);
  await sleep(delayMs);
  const [struck] = pairs;
  if (struck !== undefined) await fault.strike(agents(), { ...struck, migration: first }, faultMs);
  await agents().hosts.shape(undefined);
  console.log(`${number}: ${await over()}`);

  for (const pair of pairs) {
    const { source, destination } = pair;
    const owner = await eventually(
      async () => {
        if (await isRunning(source)) return source;
        if (await isRunning(destination)) return destination;
        return fault.isFatal === true && pair === struck && (await wasHandedOver(first)) && 'lost';
      },
      settledMs,
      `${what}: a host that runs ${source.name}`,
    );
    if (owner !== 'lost') await expectWhole(owner, filledPages(fillMiB));
  }
  watched.abort();
  expect([...(await both)], `${what}: guests that ran on both hosts`).toEqual([]);
  await Promise.all([agents().source.killGuests(), agents().destination.killGuests()]);
}

test(`guests stay whole, and on one host, whatever is held, cut or killed (CHAOS_SEED=${seed})`, async () => {
  const end = performance.now() + minutes * 60_000;
  for (let number = 1; performance.now() < end; number++) await round(number);
});
