import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { TestAuthority, type Issued } from '../../packages/daemon/test/support/certificates.js';
import type { Agent } from '../agents/agent.js';
import { startIncoming } from '../agents/move-guest.js';
import { withDeadline, eventually } from '../environment/deadline.js';
import type { Fields } from '../environment/values.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { SecuredClient } from './support/secured-client.js';
import { useAgents } from './support/use-agents.js';

// Two hosts that trust each other by their certificates and nobody else, as installed: the stream by mutual TLS, the API by
// TLS and a token.

const fillMiB = 32;
const deadlineMs = 60_000;
const token = 'a-token-that-must-not-be-in-any-log-0123456789';

const directory = await mkdtemp(join(tmpdir(), 'pageferry-tls-'));
afterAll(() => rm(directory, { recursive: true, force: true }));
const authority = await TestAuthority.create(directory);
const addresses = ['IP:10.77.0.2', 'IP:127.0.0.2'];
const allowed = await authority.issue('allowed', ['DNS:a.hosts.test', 'DNS:localhost']);
const renewed = await authority.issue('renewed', addresses);
// What the agents are given, and what is changed under them.
const source = await authority.issue('source', ['DNS:a.elsewhere.test', 'DNS:localhost']);
const destination = await authority.issue('destination', addresses);
const tokenFile = join(directory, 'token');
await writeFile(tokenFile, token, { mode: 0o600 });

const agents = useAgents({
  megabitsPerSecond: 400,
  sourceFlags: [
    ...['--tls-certificate', source.certificate, '--tls-key', source.key],
    ...['--tls-authority', authority.certificate],
    ...['--api-tls-certificate', source.certificate, '--api-tls-key', source.key],
    ...['--api-token-file', tokenFile, '--log-level', 'debug'],
  ],
  destinationFlags: [
    ...['--stream-tls-certificate', destination.certificate, '--stream-tls-key', destination.key],
    ...['--stream-tls-client-authority', authority.certificate],
    ...['--stream-allowed-peers', '*.hosts.test', '--log-level', 'debug'],
  ],
});

/** Puts another certificate and its key in the place of those that an agent was given; it is told by SIGHUP. */
async function replace(agent: Agent, given: Issued, by: Issued): Promise<void> {
  const count = async (): Promise<number> =>
    (await linesOf(agent, 'files were read again: new connections use them')).length;
  const before = await count();
  await copyFile(by.certificate, given.certificate);
  await copyFile(by.key, given.key);
  process.kill(agent.pid, 'SIGHUP');
  await eventually(async () => (await count()) > before || undefined, deadlineMs, 'the new certificate');
}

async function linesOf(agent: Agent, message: string): Promise<Fields[]> {
  return (await agent.logLines()).filter(({ msg }) => msg === message);
}

test('a guest moves to a host that lets this one in, through a killed agent and new certificates', async () => {
  const { sourceAgent, destinationAgent } = agents();
  const url = destinationAgent.url.replace('ws:', 'wss:');
  const client = new SecuredClient(sourceAgent, { authority: authority.pem, name: 'localhost', token });
  const guest = await bootGuest(agents().source, { memoryMiB: 256, fillMiB, megabytesPerSecond: 20 });
  const incoming = await startIncoming(guest, agents().destination);
  const request = { guest: guest.name, destination: { url }, mode: 'postcopy' } as const;

  const refused = await client.waitUntilOver((await client.migrate(request)).id, deadlineMs);
  expect(refused.state).toBe('failed');
  expect(refused.error).toMatchObject({ type: 'urn:pageferry:error:peer-not-trusted', host: 'destination' });
  expect(refused.error?.detail).toContain('names a.elsewhere.test, localhost');
  expect(await linesOf(destinationAgent, 'a host was not let in')).toMatchObject([
    { level: 'error', offered: ['a.elsewhere.test', 'localhost'], allowed: ['*.hosts.test'] },
  ]);
  expect(await guest.state()).toBe('running');

  await replace(sourceAgent, source, allowed);
  const { id } = await client.migrate(request);
  await client.waitUntil(id, ['postcopy-active'], deadlineMs, { intervalMs: 20 });
  await sourceAgent.kill();
  await replace(destinationAgent, destination, renewed);
  await sourceAgent.restart();
  const { history } = await client.waitUntil(id, ['completed'], deadlineMs);
  expect(history.map(({ state }) => state)).toContain('postcopy-recover');
  await expectWhole(incoming, filledPages(fillMiB));
  await withDeadline(guest.exited, deadlineMs, 'the end of the QEMU that was left');

  expect(await destinationAgent.client.health()).toBe('ok');
  await eventually(
    async () => (await linesOf(destinationAgent, 'request answered')).at(0),
    deadlineMs,
    'a line of the level debug',
  );
  const logs = await Promise.all(
    [sourceAgent, destinationAgent].map(({ logFile }) => readFile(logFile, 'utf8')),
  );
  const secretLines = [allowed, renewed].map(({ pem }) => pem.key.split('\n')[1] ?? '');
  for (const secret of [token, ...secretLines]) expect(logs.join()).not.toContain(secret);
});

test('the API tells nothing without the token', async () => {
  const { sourceAgent } = agents();
  const stranger = { authority: authority.pem, name: 'localhost', token: 'b'.repeat(40) };
  await expect(new SecuredClient(sourceAgent, stranger).list()).rejects.toMatchObject({
    problem: { type: 'urn:pageferry:error:unauthorized' },
  });
});
