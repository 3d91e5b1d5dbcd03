import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Agents } from '../agents/agents.js';
import type { Migration, State } from '../agents/migration.js';
import { ProblemError } from '../agents/problem-error.js';
import type { MigrationRequest } from '../agents/source-client.js';
import { eventually } from '../environment/deadline.js';
import type { Workload } from '../guests/workload.js';
import type { LibvirtGuest } from '../hosts/libvirt-guest.js';
import { expectMemory } from './support/expect-memory.js';
import { useLibvirt } from './support/use-libvirt.js';

// Two hosts with a libvirt each, and a domain that is defined on both.

const hardware = { name: 'web1', memoryMiB: 192 } as const;
const fillMiB = 32;
const pages = fillMiB * 256;
const overMs = 60_000;
const soonMs = 15_000;

const libvirt = useLibvirt({ hardware });
let agents: Agents;
let here: LibvirtGuest;
let there: LibvirtGuest;

beforeAll(() => {
  ({ agents, here, there } = libvirt());
});

async function start(request: Partial<MigrationRequest> = {}): Promise<Migration> {
  const { url } = agents.destinationAgent;
  return agents.sourceAgent.client.migrate({ guest: hardware.name, destination: { url }, ...request });
}

async function until({ id }: Migration, ...states: readonly State[]): Promise<Migration> {
  return agents.sourceAgent.client.waitUntil(id, states, overMs, { intervalMs: 5 });
}

async function untilSending({ id }: Migration): Promise<void> {
  const { client } = agents.sourceAgent;
  await eventually(async () => (await client.get(id)).bytes.sent > 0, soonMs, 'the first page');
}

async function refusalOf(request: Partial<MigrationRequest>): Promise<string | undefined> {
  try {
    const { id } = await start(request);
    return (await agents.sourceAgent.client.waitUntilOver(id, overMs)).error?.type;
  } catch (error) {
    if (error instanceof ProblemError) return error.problem.type;
    throw error;
  }
}

/** What `virsh list --all` says on both sides. */
async function expectStates(source: string, destination: string): Promise<void> {
  expect(await here.host.states()).toEqual({ [hardware.name]: source });
  expect(await there.host.states()).toEqual({ [hardware.name]: destination });
}

describe('a domain that stays', () => {
  let workload: Workload;

  beforeAll(async () => {
    workload = await here.boot(fillMiB);
    await workload.write({ megabytesPerSecond: 10 });
    // It obeys the power button, and gets ready to in its own time.
    await workload.shell('acpid -d > /dev/null 2>&1 &');
  });

  test('is listed among the guests', async () => {
    const { client } = agents.sourceAgent;
    expect(await client.send({ method: 'GET', path: '/v1/guests' })).toMatchObject({
      guests: [{ name: hardware.name, status: 'running', migratable: true, reasons: [] }],
    });
  });

  test('is not taken for one that libvirt does not know', async () => {
    expect(await refusalOf({ guest: 'web2' })).toBe('urn:pageferry:error:guest-not-found');
    const { url } = agents.destinationAgent;
    expect(await refusalOf({ destination: { url, guest: 'web2' } })).toBe(
      'urn:pageferry:error:guest-not-found',
    );
    await expectStates('running', 'shut off');
  });

  test('leaves one alone that runs at the destination already', async () => {
    await there.host.virsh('start', '--paused', hardware.name);
    expect(await refusalOf({})).toBe('urn:pageferry:error:guest-busy');
    await expectStates('running', 'paused');
    await there.destroy();
  });

  test('leaves nothing at the destination after a dry run', async () => {
    const { url } = agents.destinationAgent;
    const { client } = agents.sourceAgent;
    expect(await client.examine({ guest: hardware.name, destination: { url } })).toEqual([]);
    await expectStates('running', 'shut off');
  });

  test('runs on when the destination agent dies, whose next run shuts off what it had started', async () => {
    await agents.hosts.shape(100);
    const migration = await start();
    await until(migration, 'active');
    await expectStates('running', 'paused');
    await agents.destinationAgent.kill();
    await until(migration, 'failed');
    await agents.hosts.shape(undefined);
    await agents.destinationAgent.restart();
    await expectStates('running', 'shut off');
    await expectMemory(workload, pages);
  });

  test('runs on when it is cancelled, also when libvirt has been restarted meanwhile', async () => {
    await agents.hosts.shape(100);
    const migration = await start();
    await untilSending(migration);
    await here.host.restart();
    await agents.sourceAgent.client.cancel(migration.id);
    await until(migration, 'cancelled');
    await agents.hosts.shape(undefined);
    await eventually(async () => (await there.state()) === 'shut off', soonMs, 'the end at the destination');
    await expectStates('running', 'shut off');
    await expectMemory(workload, pages);
  });
});

describe('a domain that moves', () => {
  afterEach(() => there.destroy());

  test('by pre-copy runs there, is shut off here, and obeys libvirt', async () => {
    const definition = await there.host.virsh('dumpxml', '--inactive', hardware.name);
    const migration = await until(await start({ mode: 'precopy', whenStalled: 'stop' }), 'completed');
    expect(migration).toMatchObject({ error: null, remainingPages: 0 });
    await expectStates('shut off', 'running');
    const workload = await there.workload();
    await expectMemory(workload, pages);

    expect(await there.host.console(hardware.name, () => workload.shell('echo to the console'))).toContain(
      'to the console',
    );
    await there.host.virsh('shutdown', hardware.name);
    await eventually(async () => (await there.state()) === 'shut off', soonMs, 'the shutdown');
    expect(await there.host.virsh('dumpxml', '--inactive', hardware.name)).toBe(definition);
  });

  test('by post-copy is whole, though the source agent was killed meanwhile', async () => {
    const before = await here.boot(fillMiB);
    await before.write({ megabytesPerSecond: 30 });
    await agents.hosts.shape(100);
    const migration = await start({ mode: 'hybrid' });
    await untilSending(migration);
    await agents.sourceAgent.client.switchover(migration.id);
    await until(migration, 'postcopy-active');
    await agents.sourceAgent.kill();
    await agents.sourceAgent.restart();
    await agents.hosts.shape(undefined);
    await until(migration, 'completed');
    await expectStates('shut off', 'running');
    await expectMemory(await there.workload(), pages);

    for (const { client } of [agents.sourceAgent, agents.destinationAgent]) {
      expect(await client.send({ method: 'GET', path: '/readyz' })).toMatchObject({ ready: true });
    }
  });
});
