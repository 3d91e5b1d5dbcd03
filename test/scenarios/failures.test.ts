import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { moveGuest, requestMove, startIncoming } from '../agents/move-guest.js';
import type { Migration, Mode, State } from '../agents/migration.js';
import { ProblemError } from '../agents/problem-error.js';
import { withDeadline } from '../environment/deadline.js';
import type { Guest } from '../guests/guest.js';
import { alike } from './support/alike.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { useAgents } from './support/use-agents.js';
import { useResidentGuest } from './support/use-resident-guest.js';

// What becomes of the guest when something or someone stops a migration: QEMU, an agent, the link or the operator.

// Slow enough to do something in each state.
const megabitsPerSecond = 200;
const agents = useAgents({ megabitsPerSecond });

const fillMiB = 64;
const overMs = 60_000;
const goneMs = 20_000;
/** Until the guest stands still, or right after it did. */
const stopping: readonly State[] = ['pre-switchover', 'device'];
/** Those are soon over; to ask for the others as often would take the agents most of a processor. */
const [soonMs, calmMs] = [2, 20];

interface Underway {
  readonly source: Guest;
  readonly destination: Guest;
  readonly id: string;
}

/** Of so many processors, and may move. */
const guestOf = (vcpus: number) =>
  alike(
    () => agents().source,
    () => bootGuest(agents().source, { memoryMiB: 256, vcpus, fillMiB, megabytesPerSecond: 20 }),
  );
const bootWithTwoProcessors = guestOf(2);
const boot = guestOf(1);

async function begun(source: Guest, mode: Mode): Promise<Underway> {
  const destination = await startIncoming(source, agents().destination);
  const { id } = await requestMove(source, agents(), { mode });
  return { source, destination, id };
}

async function until({ id }: Underway, ...states: readonly State[]): Promise<Migration> {
  const intervalMs = states.some((state) => stopping.includes(state)) ? soonMs : calmMs;
  return agents().sourceAgent.client.waitUntil(id, states, overMs, { intervalMs });
}

/** A guest that has come as far as this state on its way. */
async function underway(source: Guest, mode: Mode, state: State): Promise<Underway> {
  const migration = await begun(source, mode);
  await until(migration, state);
  return migration;
}

async function over({ id }: Underway): Promise<Migration> {
  return agents().sourceAgent.client.waitUntilOver(id, overMs);
}

const statesOf = ({ history }: Migration): State[] => history.map(({ state }) => state);

async function expectGone(guest: Guest): Promise<void> {
  await withDeadline(guest.exited, goneMs, 'the end of the QEMU that was left');
}

/** The guest has not moved, and nothing of it is left where it should have gone. */
async function expectStayed({ source, destination }: Underway): Promise<void> {
  expect(await source.state()).toBe('running');
  await expectGone(destination);
}

async function expectMoved({ source, destination }: Underway): Promise<void> {
  await expectWhole(destination, filledPages(fillMiB));
  await expectGone(source);
}

/** Has the kernel hold a process until {@link release}. */
function hold(process_: { readonly pid: number }): void {
  held.add(process_.pid);
  process.kill(process_.pid, 'SIGSTOP');
}

function release(process_: { readonly pid: number }): void {
  held.delete(process_.pid);
  process.kill(process_.pid, 'SIGCONT');
}

const held = new Set<number>();

afterEach(async () => {
  for (const pid of held) release({ pid });
  await agents().hosts.connect(true);
});

describe('before the hand-over', () => {
  // Found running and whole after each test.
  const resident = useResidentGuest(agents);

  describe('a cancel leaves the guest', () => {
    test('before anything is sent to a destination agent that does not answer', async () => {
      hold(agents().destinationAgent);
      const migration = await begun(resident(), 'precopy');
      await agents().sourceAgent.client.cancel(migration.id);
      expect(statesOf(await over(migration))).toEqual(['setup', 'cancelling', 'cancelled']);
      release(agents().destinationAgent);
      // It was never told to take a guest in.
      expect(await migration.destination.state()).toBe('inmigrate');
    });

    test('while pages are sent', async () => {
      const migration = await underway(resident(), 'precopy', 'active');
      await agents().sourceAgent.client.cancel(migration.id);
      const ended = await over(migration);
      expect(statesOf(ended)).toEqual(['setup', 'active', 'cancelling', 'cancelled']);
      expect(ended.error?.type).toBe('urn:pageferry:error:cancelled');
      await expectStayed(migration);
    });

    test('while it stands still and the destination QEMU does not answer', async () => {
      const migration = await underway(resident(), 'precopy', 'active');
      const { client } = agents().sourceAgent;
      await client.switchover(migration.id);
      // The guest would not be stopped yet for a destination that is held with pages to take in.
      await until(migration, 'device');
      hold(migration.destination);
      await client.cancel(migration.id);
      await sleep(500);
      release(migration.destination);
      expect((await over(migration)).state).toBe('cancelled');
      await expectStayed(migration);
    });

    test('while it stands still and the destination agent does not answer, and runs it at once', async () => {
      const migration = await underway(resident(), 'precopy', 'active');
      const { client } = agents().sourceAgent;
      await client.switchover(migration.id);
      await until(migration, 'device');
      hold(agents().destinationAgent);
      await client.cancel(migration.id);
      await sleep(1000);
      expect(await resident().state()).toBe('running');
      release(agents().destinationAgent);
      expect((await over(migration)).state).toBe('cancelled');
      await expectStayed(migration);
    });
  });

  describe('the guest stays', () => {
    test('when the destination QEMU is killed while pages are sent', async () => {
      const migration = await underway(resident(), 'hybrid', 'active');
      await migration.destination.kill();
      const { state, error } = await over(migration);
      expect(state).toBe('failed');
      expect(error).toMatchObject({ type: 'urn:pageferry:error:incoming-failed', host: 'destination' });
      await expectStayed(migration);
    });

    test('when the destination QEMU is killed while it loads the stopped guest', async () => {
      const migration = await underway(resident(), 'precopy', 'active');
      await agents().sourceAgent.client.switchover(migration.id);
      await until(migration, ...stopping);
      await migration.destination.kill();
      expect((await over(migration)).state).toBe('failed');
      await expectStayed(migration);
    });

    test('when the link is cut while pages are sent', async () => {
      const migration = await underway(resident(), 'hybrid', 'active');
      await agents().hosts.connect(false);
      const { state, error } = await over(migration);
      expect(state).toBe('failed');
      expect(error).toMatchObject({ type: 'urn:pageferry:error:peer-lost', host: 'source' });
      // Neither side has to hear of the other for that.
      await expectStayed(migration);
    });

    test('when an agent is told to end while pages are sent', async () => {
      const { sourceAgent, destinationAgent } = agents();
      const first = await underway(resident(), 'precopy', 'active');
      expect(await sourceAgent.stop()).toEqual({ code: 0, signal: null });
      await expectStayed(first);
      await sourceAgent.restart();
      await first.destination.kill();

      const second = await underway(resident(), 'hybrid', 'active');
      expect(await destinationAgent.stop()).toEqual({ code: 0, signal: null });
      const { state, error } = await over(second);
      expect(state).toBe('failed');
      expect(error).toMatchObject({ type: 'urn:pageferry:error:interrupted', host: 'destination' });
      await expectStayed(second);
      await destinationAgent.restart();
    });

    test('when the source agent is killed while it stands still: the next one runs it again', async () => {
      const migration = await underway(resident(), 'precopy', 'active');
      await agents().sourceAgent.client.switchover(migration.id);
      await until(migration, ...stopping);
      await agents().sourceAgent.kill();
      await expectGone(migration.destination);
      await agents().sourceAgent.restart();
      await expectStayed(migration);
    });
  });
});

test('a guest stays when an agent is killed while pages are sent, and can be moved after that', async () => {
  const { sourceAgent, destinationAgent, hosts } = agents();
  const source = await boot();
  const first = await underway(source, 'precopy', 'active');
  await sourceAgent.kill();
  await expectStayed(first);
  await sourceAgent.restart();
  await first.destination.kill();

  const second = await underway(source, 'hybrid', 'active');
  await destinationAgent.kill();
  const { state, error } = await over(second);
  expect(state).toBe('failed');
  expect(error?.type).toBe('urn:pageferry:error:peer-lost');
  await destinationAgent.restart();
  // It has ended what it had left.
  await expectStayed(second);
  await second.destination.kill();

  await hosts.shape(undefined);
  try {
    const { destination } = await moveGuest(source, agents(), { mode: 'hybrid' });
    await expectWhole(destination, filledPages(fillMiB));
  } finally {
    await hosts.shape(megabitsPerSecond);
  }
});

describe('after the hand-over post-copy goes on', () => {
  test('when the link was cut; and it cannot be cancelled', async () => {
    const migration = await underway(await boot(), 'postcopy', 'postcopy-active');
    await agents().hosts.connect(false);
    await until(migration, 'postcopy-paused');
    expect(await migration.source.state()).not.toBe('running');
    const refusal = agents().sourceAgent.client.cancel(migration.id);
    await expect(refusal).rejects.toThrow(ProblemError);
    await expect(refusal).rejects.toMatchObject({ problem: { type: 'urn:pageferry:error:migration-state' } });
    await agents().hosts.connect(true);
    const ended = await over(migration);
    expect(statesOf(ended).slice(-5)).toEqual([
      'postcopy-active',
      'postcopy-paused',
      'postcopy-recover',
      'postcopy-active',
      'completed',
    ]);
    await expectMoved(migration);
  });

  test.each([
    ['', []],
    [' while neither agent is there', ['sourceAgent', 'destinationAgent']],
  ] as const)(
    'unless the QEMU that has the guest ends%s: it is lost, and not run again',
    async (_when, names) => {
      const migration = await underway(await boot(), 'postcopy', 'postcopy-active');
      for (const name of names) await agents()[name].kill();
      await migration.destination.kill();
      for (const name of names) await agents()[name].restart();
      const { state, error } = await over(migration);
      expect(state).toBe('failed');
      expect(error).toMatchObject({ type: 'urn:pageferry:error:guest-lost', host: 'destination' });
      expect(await migration.source.state()).not.toBe('running');
    },
  );

  // So soon after the hand-over the main loop of the destination's QEMU often waits for a missing page itself, and answers
  // no new QMP connection.
  test.each([
    ['the source agent is killed, and its next run told to end', ['sourceAgent']],
    ['the destination agent is killed, and its next run told to end', ['destinationAgent']],
    ['both agents are killed, and their next runs told to end', ['sourceAgent', 'destinationAgent']],
  ] as const)('when %s, and they are started again', async (_what, names) => {
    const migration = await underway(await bootWithTwoProcessors(), 'postcopy', 'postcopy-active');
    for (const end of ['kill', 'stop'] as const) {
      await Promise.all(names.map((name) => agents()[name][end]()));
      for (const name of names) await agents()[name].restart();
      if (end === 'kill') await until(migration, 'postcopy-active');
    }
    const ended = await over(migration);
    expect(ended.state).toBe('completed');
    expect(statesOf(ended)).toContain('postcopy-recover');
    await expectMoved(migration);
  });
});
