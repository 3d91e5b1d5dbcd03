import { chmod, chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Agents } from '../agents/agents.js';
import { eventually } from '../environment/deadline.js';
import type { LibvirtGuest } from '../hosts/libvirt-guest.js';
import { agentsGroup, libvirtGroup, libvirtUser } from '../hosts/libvirt-settings.js';
import { expectMemory } from './support/expect-memory.js';
import { useLibvirt } from './support/use-libvirt.js';

// Two hosts whose libvirts run QEMU as Debian's package does, as libvirt-qemu; and agents with no more than docs/libvirt.md gives
// them: QEMU's user, a group of their own, the one that may use libvirt, and the source's one capability.

const hardware = { name: 'web1', memoryMiB: 192 } as const;
const fillMiB = 32;
const pages = fillMiB * 256;
const overMs = 60_000;
const soonMs = 15_000;
const diskBytes = 1 << 20;
const written = 'written by the guest that has moved';
const account = { uid: libvirtUser.uid, gid: agentsGroup, groups: [libvirtGroup] } as const;

let agents: Agents;
let storage: string;
let here: LibvirtGuest;
let there: LibvirtGuest;

const disk = (): string => join(storage, 'web1.raw');

beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), 'pageferry-'));
  await chmod(storage, 0o711);
  await writeFile(disk(), '', { mode: 0o600 });
  await chown(disk(), libvirtUser.uid, libvirtUser.gid);
});
afterAll(async () => {
  await rm(storage, { recursive: true, force: true });
});
const libvirt = useLibvirt({
  ...{ hardware, disk },
  qemuAccount: 'libvirt-qemu',
  sourceAccount: { ...account, capabilities: ['sys_ptrace'] },
  destinationAccount: { ...account, capabilities: [] },
});
beforeAll(() => {
  ({ agents, here, there } = libvirt());
});

async function expectConfined(guest: LibvirtGuest): Promise<void> {
  const status = await guest.host.qemuStatus(guest.name);
  const uid = String(libvirtUser.uid);
  expect(status.get('Uid')?.split(/\s+/)).toEqual([uid, uid, uid, uid]);
  expect(status.get('CapEff')).toBe('0000000000000000');
}

async function move(mode: 'precopy' | 'hybrid'): Promise<string> {
  const { url } = agents.destinationAgent;
  const whenStalled = mode === 'precopy' ? 'stop' : 'postcopy';
  const request = { guest: hardware.name, destination: { url }, mode, whenStalled } as const;
  return (await agents.sourceAgent.client.migrate(request)).id;
}

/** The guest, its rights and its disk are there as they were here. */
async function expectMoved(): Promise<void> {
  const workload = await there.workload();
  await expectMemory(workload, pages);
  await expectConfined(there);
  expect(await here.state()).toBe('shut off');
  expect(await stat(disk())).toMatchObject({ uid: libvirtUser.uid });
  await workload.shell(`echo '${written}' > /dev/vda`);
  await eventually(
    async () => (await readFile(disk(), 'utf8')).startsWith(written),
    soonMs,
    'what it writes',
  );
}

describe('a domain whose QEMU has no privilege', () => {
  beforeEach(async () => {
    await writeFile(disk(), Buffer.alloc(diskBytes));
    const workload = await here.boot(fillMiB);
    await workload.write({ megabytesPerSecond: 10 });
    await expectConfined(here);
  });
  afterEach(async () => {
    await agents.hosts.shape(undefined);
    await here.destroy();
    await there.destroy();
  });

  test('moves by pre-copy', async () => {
    const id = await move('precopy');
    expect(await agents.sourceAgent.client.waitUntil(id, ['completed'], overMs)).toMatchObject({
      error: null,
    });
    await expectMoved();
  });

  test('moves by post-copy, though the destination agent was killed meanwhile', async () => {
    const { client } = agents.sourceAgent;
    await agents.hosts.shape(100);
    const id = await move('hybrid');
    await eventually(async () => (await client.get(id)).bytes.sent > 0, soonMs, 'the first page');
    await client.switchover(id);
    await client.waitUntil(id, ['postcopy-active'], overMs, { intervalMs: 5 });
    await agents.destinationAgent.kill();
    await agents.destinationAgent.restart();
    await agents.hosts.shape(undefined);
    expect(await client.waitUntil(id, ['completed'], overMs)).toMatchObject({ error: null });
    await expectMoved();
  });
});
