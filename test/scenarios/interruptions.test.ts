import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { requestMove, startIncoming } from '../agents/move-guest.js';
import type { Migration, Mode, State } from '../agents/migration.js';
import { withDeadline } from '../environment/deadline.js';
import type { Guest } from '../guests/guest.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { useAgents } from './support/use-agents.js';

// Slow enough to do something in each state.
const agents = useAgents({ megabitsPerSecond: 200 });

const fillMiB = 64;
const overMs = 40_000;
const goneMs = 20_000;

interface Underway {
  readonly source: Guest;
  readonly destination: Guest;
  readonly id: string;
}

async function begun(mode: Mode): Promise<Underway> {
  const source = await bootGuest(agents().source, { memoryMiB: 256, fillMiB, megabytesPerSecond: 10 });
  const destination = await startIncoming(source, agents().destination);
  const { id } = await requestMove(source, agents(), { mode });
  return { source, destination, id };
}

async function underway(mode: Mode, states: readonly State[]): Promise<Underway> {
  const migration = await begun(mode);
  await agents().sourceAgent.client.waitUntil(migration.id, states, overMs, { intervalMs: 5 });
  return migration;
}

async function over(id: string): Promise<Migration> {
  return agents().sourceAgent.client.waitUntilOver(id, overMs);
}

const statesOf = ({ history }: Migration): State[] => history.map(({ state }) => state);

async function expectStayed({ source, destination }: Underway): Promise<void> {
  await expectWhole(source, filledPages(fillMiB));
  await withDeadline(destination.exited, goneMs, 'the end of the QEMU that was left');
}

async function expectMoved({ source, destination }: Underway): Promise<void> {
  await expectWhole(destination, filledPages(fillMiB));
  await withDeadline(source.exited, goneMs, 'the end of the QEMU that was left');
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

describe('a cut link', () => {
  test('while pages are sent leaves the guest on the source, and nothing on the destination', async () => {
    const migration = await underway('hybrid', ['active']);
    await agents().hosts.connect(false);
    const { state, error } = await over(migration.id);
    expect(state).toBe('failed');
    expect(error).toMatchObject({ type: 'urn:pageferry:error:peer-lost', host: 'source' });
    // Neither side has to hear of the other for that.
    await expectStayed(migration);
  });

  test('pauses post-copy, which goes on when the link is back', async () => {
    const migration = await underway('postcopy', ['postcopy-active']);
    await agents().hosts.connect(false);
    const { client } = agents().sourceAgent;
    await client.waitUntil(migration.id, ['postcopy-paused'], overMs);
    expect(await migration.source.state()).not.toBe('running');
    await agents().hosts.connect(true);
    const ended = await over(migration.id);
    expect(ended.state).toBe('completed');
    expect(statesOf(ended).slice(-5)).toEqual([
      'postcopy-active',
      'postcopy-paused',
      'postcopy-recover',
      'postcopy-active',
      'completed',
    ]);
    await expectMoved(migration);
  });
});

describe('a cancel while the destination agent does not answer', () => {
  test('before anything is sent leaves the guest where it is', async () => {
    hold(agents().destinationAgent);
    const { source, destination, id } = await begun('precopy');
    await agents().sourceAgent.client.cancel(id);
    const ended = await over(id);
    expect(statesOf(ended)).toEqual(['setup', 'cancelling', 'cancelled']);
    await expectWhole(source, filledPages(fillMiB));
    release(agents().destinationAgent);
    // It was never told to take a guest in.
    expect(await destination.state()).toBe('inmigrate');
  });

  test('while the guest stands still runs it again at once', async () => {
    const migration = await underway('precopy', ['active']);
    const { client } = agents().sourceAgent;
    await client.switchover(migration.id);
    await client.waitUntil(migration.id, ['device'], overMs, { intervalMs: 2 });
    hold(agents().destinationAgent);
    await client.cancel(migration.id);
    await sleep(1000);
    await expectWhole(migration.source, filledPages(fillMiB));
    release(agents().destinationAgent);
    expect((await over(migration.id)).state).toBe('cancelled');
    await expectStayed(migration);
  });
});

describe('an agent that is told to end', () => {
  test.each(['sourceAgent', 'destinationAgent'] as const)(
    'gives the migration up while pages are sent: %s',
    async (name) => {
      const migration = await underway('precopy', ['active']);
      expect(await agents()[name].stop()).toEqual({ code: 0, signal: null });
      if (name === 'destinationAgent') expect((await over(migration.id)).state).toBe('failed');
      await expectStayed(migration);
      await agents()[name].restart();
    },
  );

  test('leaves an unfinished post-copy to its next run', async () => {
    const migration = await underway('postcopy', ['postcopy-active']);
    expect(await agents().sourceAgent.stop()).toEqual({ code: 0, signal: null });
    await agents().sourceAgent.restart();
    expect((await over(migration.id)).state).toBe('completed');
    await expectMoved(migration);
  });
});
