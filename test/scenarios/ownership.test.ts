import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Agent } from '../agents/agent.js';
import { requestMove, startIncoming } from '../agents/move-guest.js';
import type { Mode } from '../agents/migration.js';
import { eventually } from '../environment/deadline.js';
import { fieldsOf, stringOf } from '../environment/values.js';
import type { Guest } from '../guests/guest.js';
import { alike } from './support/alike.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { useAgents } from './support/use-agents.js';

// At every moment one host may run the guest, and in the end one does: whenever an agent dies.

const agents = useAgents();

const fillMiB = 32;
const settledMs = 30_000;
const answerMs = 1_000;
/** A journal is read again so soon: the agents need the processors for themselves. */
const journalMs = 1;

const boot = alike(
  () => agents().source,
  () => bootGuest(agents().source, { memoryMiB: 256, fillMiB, megabytesPerSecond: 10 }),
);

async function isGone(guest: Guest): Promise<boolean> {
  return Promise.race([guest.exited.then(() => true), sleep(0).then(() => false)]);
}

async function isRunning(guest: Guest): Promise<boolean> {
  // A QEMU that is about to end answers no more.
  const status = await guest.monitor.execute('query-status', {}, answerMs).catch(() => undefined);
  return status !== undefined && stringOf(fieldsOf(status), 'status') === 'running';
}

/** Waits until one QEMU is left, and runs the guest; meanwhile never two may run it. Returns the one. */
async function theOneOf(source: Guest, destination: Guest): Promise<Guest> {
  return eventually(
    async () => {
      const here = !(await isGone(source)) && (await isRunning(source));
      const there = !(await isGone(destination)) && (await isRunning(destination));
      // Asked again, as it may have moved in between: a guest never goes back.
      if (there) expect(here && (await isRunning(source)), 'the guest runs twice').toBe(false);
      if (here && (await isGone(destination))) return source;
      if (there && (await isGone(source))) return destination;
      return undefined;
    },
    settledMs,
    'one QEMU that runs the guest, and no other one',
  );
}

type AgentName = 'sourceAgent' | 'destinationAgent';
const nameOf = (agent: AgentName): string => agent.replace('Agent', ' agent');

/** Waits for an entry of a migration's journal, with as little delay as can be. */
async function journalled(agent: Agent, id: string, event: string): Promise<void> {
  const path = join(agent.stateDirectory, `${id}.journal`);
  const deadline = performance.now() + settledMs;
  while (!(existsSync(path) && readFileSync(path, 'latin1').includes(`"event":"${event}"`))) {
    if (performance.now() > deadline) throw new Error(`${event} is not in ${path}`);
    await sleep(journalMs);
  }
}

interface Death {
  readonly mode: Mode;
  /** Who dies when this stands in the journal of the first of them. */
  readonly victims: readonly [AgentName, ...AgentName[]];
  readonly after: string;
  /** Either one where the hand-over goes on while the signal is on its way. */
  readonly owner: 'source' | 'destination' | 'either';
}

async function expectOneOwner({ mode, victims, after, owner }: Death): Promise<void> {
  const source = await boot();
  const destination = await startIncoming(source, agents().destination);
  const { id } = await requestMove(source, agents(), { mode });
  await journalled(agents()[victims[0]], id, after);
  await Promise.all(victims.map((victim) => agents()[victim].kill()));
  for (const victim of victims) await agents()[victim].restart();
  const one = await theOneOf(source, destination);
  await expectWhole(one, filledPages(fillMiB));
  if (owner !== 'either') expect(one === source ? 'source' : 'destination').toBe(owner);
}

const deaths: readonly Death[] = [
  { mode: 'precopy', victims: ['sourceAgent'], after: 'started', owner: 'source' },
  { mode: 'precopy', victims: ['sourceAgent'], after: 'stopping', owner: 'source' },
  { mode: 'precopy', victims: ['sourceAgent'], after: 'handed-over', owner: 'either' },
  { mode: 'precopy', victims: ['destinationAgent'], after: 'preparing', owner: 'source' },
  { mode: 'precopy', victims: ['destinationAgent'], after: 'ready', owner: 'either' },
  { mode: 'precopy', victims: ['destinationAgent'], after: 'owner', owner: 'destination' },
  { mode: 'precopy', victims: ['sourceAgent', 'destinationAgent'], after: 'handed-over', owner: 'either' },
  { mode: 'precopy', victims: ['destinationAgent', 'sourceAgent'], after: 'owner', owner: 'destination' },
  { mode: 'postcopy', victims: ['sourceAgent'], after: 'stopping', owner: 'source' },
  { mode: 'postcopy', victims: ['sourceAgent'], after: 'handed-over', owner: 'either' },
];

describe('one host has the guest, and all of it, when', () => {
  for (const death of deaths) {
    const { mode, victims, after } = death;
    const who = victims.length === 1 ? `the ${nameOf(victims[0])} dies` : 'both agents die';
    test(`${who} in ${mode} after the ${nameOf(victims[0])} has journalled ${after}`, () =>
      expectOneOwner(death));
  }
});
