import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ProblemError } from '../agents/problem-error.js';
import type { Migration } from '../agents/migration.js';
import { useAgents } from './support/use-agents.js';

const most = 2;
const overMs = 20_000;
const agents = useAgents({ sourceFlags: ['--max-concurrent-migrations', String(most)] });

const names = Array.from({ length: 10 }, (_, index) => `guest${index}`);
const silent: Server[] = [];

/** QEMUs that take a connection and say nothing: their migrations are under way until they are given up. */
beforeAll(async () => {
  for (const name of names) {
    const server = createServer((socket) => socket.on('error', () => socket.destroy()));
    silent.push(server);
    server.listen(join(agents().source.directory, `${name}.sock`));
    await once(server, 'listening');
  }
});
afterAll(() => {
  for (const server of silent) server.close();
});

const migrate = (guest: string): Promise<Migration> =>
  agents().sourceAgent.client.migrate({ guest, destination: { url: agents().destinationAgent.url } });

test('of ten migrations at once as many are taken as are allowed, and the others when there is room', async () => {
  const { client } = agents().sourceAgent;
  const answers = await Promise.allSettled(names.map(migrate));
  const taken = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  expect(taken).toHaveLength(most);
  for (const answer of answers) {
    if (answer.status === 'fulfilled') continue;
    expect(answer.reason).toBeInstanceOf(ProblemError);
    expect(answer.reason).toMatchObject({
      problem: { type: 'urn:pageferry:error:too-many-migrations', status: 429, host: 'source' },
    });
  }
  expect((await client.list()).map(({ id }) => id).sort()).toEqual(taken.map(({ id }) => id).sort());

  for (const { id } of taken) await client.cancel(id);
  for (const { id } of taken) expect((await client.waitUntilOver(id, overMs)).state).toBe('cancelled');
  const next = await migrate('guest9');
  await client.cancel(next.id);
  expect((await client.waitUntilOver(next.id, overMs)).state).toBe('cancelled');
});
