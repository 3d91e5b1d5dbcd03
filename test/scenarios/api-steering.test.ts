import { expect, test } from 'vitest';
import { checked, Migration, type State } from '../agents/migration.js';
import { requestMove, startIncoming } from '../agents/move-guest.js';
import { eventually } from '../environment/deadline.js';
import type { Guest } from '../guests/guest.js';
import { alike } from './support/alike.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { runPageferry } from './support/run-pageferry.js';
import { useAgents } from './support/use-agents.js';

// What an operator can do to a migration while it runs, and after it.

const agents = useAgents({ megabitsPerSecond: 400, sourceFlags: ['--reconnect-seconds', '1'] });

const fillMiB = 32;
const overMs = 60_000;
/** Bytes a second: far less than the guest writes, even one that gets little of the processors. */
const crawl = 250_000;

const client = () => agents().sourceAgent.client;
const boot = alike(
  () => agents().source,
  () => bootGuest(agents().source, { memoryMiB: 256, fillMiB, megabytesPerSecond: 5 }),
);
const statesOf = ({ history }: Migration): State[] => history.map(({ state }) => state);

/** A pre-copy that does not come to its end by itself. */
async function crawling(source: Guest, mode: 'precopy' | 'hybrid') {
  const destination = await startIncoming(source, agents().destination);
  const { id } = await requestMove(source, agents(), { mode, bandwidthCaps: { precopy: crawl } });
  await eventually(async () => (await client().get(id)).iterations > 1, overMs, 'iterations of pre-copy', 50);
  return { id, destination };
}

test('a bandwidth cap that is raised lets a migration finish that would not have', async () => {
  const { id, destination } = await crawling(await boot(), 'precopy');
  const before = await client().get(id);
  expect(before).toMatchObject({ state: 'active', bandwidthCaps: { precopy: crawl, postcopy: 0 } });
  expect(before.dirtyRate).toBeGreaterThan(crawl);

  const raised = await runPageferry(agents().sourceAgent, ['set', id, '--bandwidth-precopy', '0', '--json']);
  expect(raised).toMatchObject({ code: 0, errors: '' });
  expect(checked(Migration, JSON.parse(raised.output)).bandwidthCaps).toEqual({ precopy: 0, postcopy: 0 });
  const after = await client().waitUntilOver(id, overMs);
  expect(after).toMatchObject({ state: 'completed', bandwidthCaps: { precopy: 0, postcopy: 0 } });
  await expectWhole(destination, filledPages(fillMiB));
});

test('a forced post-copy ends a pre-copy; its end outlives the agent, and can be forgotten', async () => {
  const { sourceAgent } = agents();
  const { id, destination } = await crawling(await boot(), 'hybrid');
  expect(await runPageferry(sourceAgent, ['forget', id])).toMatchObject({ code: 3, output: '' });
  expect(await runPageferry(sourceAgent, ['switchover', id, '--with', 'postcopy'])).toMatchObject({
    code: 0,
  });
  const ended = await client().waitUntil(id, ['completed'], overMs);
  expect(statesOf(ended)).toContain('postcopy-active');
  expect(ended.pages.requested + ended.pages.pushed).toBeGreaterThan(0);
  await expectWhole(destination, filledPages(fillMiB));

  await sourceAgent.stop();
  await sourceAgent.restart();
  expect(await client().get(id)).toEqual(ended);
  expect(await runPageferry(sourceAgent, ['forget', id])).toMatchObject({ code: 0, errors: '' });
  await sourceAgent.kill();
  await sourceAgent.restart();
  await expect(client().get(id)).rejects.toMatchObject({
    problem: { type: 'urn:pageferry:error:migration-not-found' },
  });
});

test('a paused post-copy that is no longer tried goes on when it is told to recover', async () => {
  const { sourceAgent, destinationAgent } = agents();
  const source = await boot();
  const destination = await startIncoming(source, agents().destination);
  const { id } = await requestMove(source, agents(), { mode: 'postcopy' });
  await client().waitUntil(id, ['postcopy-active'], overMs, { intervalMs: 20 });
  await destinationAgent.kill();
  await eventually(
    async () =>
      (await sourceAgent.logLines()).some(({ msg }) => String(msg).includes('until it is told to recover')),
    overMs,
    'the end of the attempts to reconnect',
    100,
  );
  await destinationAgent.restart();
  expect((await client().get(id)).state).toBe('postcopy-paused');
  expect(await runPageferry(sourceAgent, ['recover', id])).toMatchObject({ code: 0, errors: '' });
  expect(statesOf(await client().waitUntil(id, ['completed'], overMs))).toContain('postcopy-recover');
  await expectWhole(destination, filledPages(fillMiB));
});

test('a guest that stands still runs again when its agent is told to end', async () => {
  const { sourceAgent } = agents();
  const source = await boot();
  const { id, destination } = await crawling(source, 'hybrid');
  // What is left takes this link longer than all that the test does meanwhile.
  await runPageferry(sourceAgent, ['switchover', id, '--with', 'stop']);
  await client().waitUntil(id, ['device'], overMs, { intervalMs: 2 });
  expect(await source.state()).not.toBe('running');
  expect(await sourceAgent.stop()).toEqual({ code: 0, signal: null });
  await sourceAgent.restart();
  await destination.exited;
  await expectWhole(source, filledPages(fillMiB));
  expect((await client().get(id)).error?.type).toBe('urn:pageferry:error:interrupted');
});
