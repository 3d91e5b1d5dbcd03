import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { moveGuest, requestMove, startIncoming } from '../agents/move-guest.js';
import type { Migration, Mode, State } from '../agents/migration.js';
import { ProblemError } from '../agents/problem-error.js';
import type { Guest } from '../guests/guest.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { useAgents } from './support/use-agents.js';

// Slow enough to do something in each state.
const megabitsPerSecond = 200;
const agents = useAgents({ megabitsPerSecond });

const fillMiB = 64;
const overMs = 60_000;

interface Underway {
  readonly source: Guest;
  readonly destination: Guest;
  readonly id: string;
}

/** A guest that has come as far as one of the states on its way. */
async function underway(
  mode: Mode,
  states: readonly State[],
  { standsStill = false, vcpus = 1 } = {},
): Promise<Underway> {
  const source = await bootGuest(agents().source, {
    memoryMiB: 256,
    vcpus,
    fillMiB,
    megabytesPerSecond: 20,
  });
  const destination = await startIncoming(source, agents().destination);
  if (standsStill) await source.monitor.execute('stop');
  const { id } = await requestMove(source, agents(), { mode });
  await agents().sourceAgent.client.waitUntil(id, states, overMs, { intervalMs: 2 });
  return { source, destination, id };
}

async function over(id: string): Promise<Migration> {
  return agents().sourceAgent.client.waitUntilOver(id, overMs);
}

/** The guest has not moved, and nothing of it is left where it should have gone. */
async function expectStayed({ source, destination }: Underway): Promise<void> {
  await expectWhole(source, filledPages(fillMiB));
  await destination.exited;
}

async function expectMoved({ destination }: Underway): Promise<void> {
  await destination.waitUntilReady();
  await expectWhole(destination, filledPages(fillMiB));
}

/** Nothing of the first migration stands in the way of a second one. */
async function expectMovable(migration: Underway, mode: Mode): Promise<void> {
  await agents().hosts.shape(undefined);
  try {
    const { destination } = await moveGuest(migration.source, agents(), { mode });
    await expectMoved({ ...migration, destination });
  } finally {
    await agents().hosts.shape(megabitsPerSecond);
  }
}

const stopped: number[] = [];
afterEach(() => {
  for (const pid of stopped.splice(0)) tryKill(pid, 'SIGCONT');
});

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

describe('a cancel', () => {
  test('while pages are sent leaves the guest on the source', async () => {
    const migration = await underway('precopy', ['active']);
    await agents().sourceAgent.client.cancel(migration.id);
    const { state, history, error } = await over(migration.id);
    expect(state).toBe('cancelled');
    expect(history.map((entry) => entry.state)).toEqual(['setup', 'active', 'cancelling', 'cancelled']);
    expect(error?.type).toBe('urn:pageferry:error:cancelled');
    await expectStayed(migration);
  });

  test('while the stopped guest is loaded by the destination runs it on the source again', async () => {
    const migration = await underway('precopy', ['active']);
    const { client } = agents().sourceAgent;
    // A destination QEMU that does not answer holds the migration in `device`.
    await client.switchover(migration.id);
    await client.waitUntil(migration.id, ['pre-switchover', 'device'], overMs, { intervalMs: 2 });
    stopped.push(migration.destination.pid);
    process.kill(migration.destination.pid, 'SIGSTOP');
    await client.waitUntil(migration.id, ['device'], overMs);
    await client.cancel(migration.id);
    await sleep(500);
    process.kill(migration.destination.pid, 'SIGCONT');
    const { state } = await over(migration.id);
    expect(state).toBe('cancelled');
    await expectStayed(migration);
  });

  test('is refused once the guest has been handed over', async () => {
    const migration = await underway('postcopy', ['postcopy-active']);
    const refusal = agents().sourceAgent.client.cancel(migration.id);
    await expect(refusal).rejects.toThrow(ProblemError);
    await expect(refusal).rejects.toMatchObject({ problem: { type: 'urn:pageferry:error:migration-state' } });
    expect((await over(migration.id)).state).toBe('completed');
    await expectMoved(migration);
  });
});

describe('before the hand-over the guest stays where it is', () => {
  test('when the destination QEMU is killed while pages are sent', async () => {
    const migration = await underway('hybrid', ['active']);
    await migration.destination.kill();
    const { state, error } = await over(migration.id);
    expect(state).toBe('failed');
    expect(error).toMatchObject({ type: 'urn:pageferry:error:incoming-failed', host: 'destination' });
    await expectStayed(migration);
  });

  test('when the destination QEMU is killed while it loads the stopped guest', async () => {
    const migration = await underway('precopy', ['active']);
    const { client } = agents().sourceAgent;
    await client.switchover(migration.id);
    await client.waitUntil(migration.id, ['pre-switchover', 'device'], overMs, { intervalMs: 2 });
    await migration.destination.kill();
    expect((await over(migration.id)).state).toBe('failed');
    await expectStayed(migration);
  });

  test('when the destination agent is killed, and it can be moved after that', async () => {
    const migration = await underway('precopy', ['active']);
    await agents().destinationAgent.kill();
    const { state, error } = await over(migration.id);
    expect(state).toBe('failed');
    expect(error?.type).toBe('urn:pageferry:error:peer-lost');
    await expectWhole(migration.source, filledPages(fillMiB));

    await agents().destinationAgent.restart();
    await migration.destination.kill();
    await expectMovable(migration, 'hybrid');
  });

  test('when the source agent is killed, and it can be moved after that', async () => {
    const migration = await underway('precopy', ['active']);
    await agents().sourceAgent.kill();
    await expectStayed(migration);

    await agents().sourceAgent.restart();
    await expectMovable(migration, 'postcopy');
  });

  test('when the source agent is killed while the guest stands still: the next one runs it again', async () => {
    const migration = await underway('precopy', ['active']);
    const { client } = agents().sourceAgent;
    await client.switchover(migration.id);
    await client.waitUntil(migration.id, ['pre-switchover', 'device'], overMs, { intervalMs: 2 });
    await agents().sourceAgent.kill();
    await migration.destination.exited;
    await agents().sourceAgent.restart();
    await expectStayed(migration);
  });
});

describe('after the hand-over post-copy goes on', () => {
  test('when the source agent is killed and started again', async () => {
    const migration = await underway('postcopy', ['postcopy-active']);
    await agents().sourceAgent.kill();
    await agents().sourceAgent.restart();
    const { state, history } = await over(migration.id);
    expect(state).toBe('completed');
    expect(history.map((entry) => entry.state)).toContain('postcopy-recover');
    await expectMoved(migration);
  });

  // Nearly always QEMU's main loop waits for a missing page then, and answers no new QMP connection.
  test('when the destination agent is killed and started again, with a guest that runs', async () => {
    const migration = await underway('postcopy', ['postcopy-active'], { vcpus: 2 });
    await agents().destinationAgent.kill();
    await agents().destinationAgent.restart();
    const { state, history } = await over(migration.id);
    expect(state).toBe('completed');
    expect(history.map((entry) => entry.state)).toContain('postcopy-recover');
    await expectMoved(migration);
  });

  // A running guest may wait for a page with QEMU's main loop: nobody can reach such a QEMU's monitor for the first time.
  test('when the destination agent is killed and started again, with a guest that stands still', async () => {
    const migration = await underway('postcopy', ['postcopy-active'], { standsStill: true });
    await agents().destinationAgent.kill();
    await agents().destinationAgent.restart();
    const { state, history } = await over(migration.id);
    expect(state).toBe('completed');
    expect(history.map((entry) => entry.state)).toContain('postcopy-recover');
    await migration.destination.monitor.execute('cont');
    await expectMoved(migration);
  });

  test('when both agents are killed and started again, with a guest that stands still', async () => {
    const migration = await underway('postcopy', ['postcopy-active'], { standsStill: true });
    await Promise.all([agents().sourceAgent.kill(), agents().destinationAgent.kill()]);
    await agents().sourceAgent.restart();
    await agents().destinationAgent.restart();
    expect((await over(migration.id)).state).toBe('completed');
    await migration.destination.monitor.execute('cont');
    await expectMoved(migration);
  });
});
