import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Workload } from '../guests/workload.js';
import { BootedHosts, bring, destinationService, sourceService } from './booted-hosts.js';
import { builtPackages } from './built-packages.js';
import type { Container } from './container.js';
import { SourceApi } from './source-api.js';
import { prepareGuest, workloadIn } from './systemd-guest.js';

// Newer packages over running services, without a look at what is under way: two upgrades, of which the second one meets a guest
// that lacks pages.

const filledMiB = 32;
const overMs = 60_000;
const guestUnit = 'qemu-guest@web1';
const firstUpgrade = '0.1.0+upgrade1';
const secondUpgrade = '0.1.0+upgrade2';

let hosts: BootedHosts;
let api: SourceApi;
let workload: Workload;
let pages = 0;
/** Of migrations, the newest first. */
const ids: string[] = [];

beforeAll(async () => {
  hosts = await BootedHosts.boot();
  for (const version of [firstUpgrade, secondUpgrade]) {
    const packages = await builtPackages(version);
    for (const container of hosts.both) await bring(container, packages, `root/${version}`);
  }
  await hosts.install();
  await hosts.secure({ source: {}, destination: { PAGEFERRY_DRIVER: 'systemd' } });
  for (const container of hosts.both) await prepareGuest(container);
  await hosts.source.run('systemctl', 'start', guestUnit);
  workload = await workloadIn(hosts.source);
  await workload.waitUntilStarted(overMs);
  ({ pages } = await workload.fill(filledMiB));
  await workload.write({ megabytesPerSecond: 10 });
  api = new SourceApi(hosts, 'web1');
});

afterAll(async () => {
  await hosts.close();
});

/** As `apt` does it; resolves when the services run again. */
async function upgrade(container: Container, version: string): Promise<void> {
  const said = await container.run('sh', '-c', `dpkg --install /root/${version}/*.deb 2>&1`);
  expect(said).toContain(`(${version}) over (`);
  for (const unit of [sourceService, destinationService]) {
    expect(await container.property(unit, 'ActiveState')).toBe('active');
    expect(await container.property(unit, 'Result')).toBe('success');
    const asked = await container.run('dpkg-query', '--show', '--showformat=${Version}', unit);
    expect(asked).toBe(version);
  }
  expect(await container.run('systemctl', '--failed', '--plain', '--no-legend')).toBe('');
}

/** What the agent has of its earlier runs. */
async function listed(): Promise<unknown> {
  const { migrations } = await api.ask(undefined);
  return migrations;
}

describe('an upgrade of the source', () => {
  test('while a guest moves leaves it there, and says in the history what became of it', async () => {
    const id = await api.move('precopy');
    ids.unshift(id);
    await api.untilState(id, 'active');
    await upgrade(hosts.source, firstUpgrade);
    expect(await listed()).toMatchObject([{ id, guest: 'web1', error: { host: 'source' } }]);
    expect(await hosts.source.property(guestUnit, 'ActiveState')).toBe('active');
    expect(await workload.check()).toMatchObject({ pages, errors: 0 });
  });

  test('keeps the settings of the operator', async () => {
    expect(await api.examine('hybrid')).toMatchObject({ fits: true });
  });
});

describe('an upgrade of the destination', () => {
  test('while a guest comes in ends the QEMU that waited for it, and the guest stays', async () => {
    const id = await api.move('precopy');
    ids.unshift(id);
    await api.untilState(id, 'active');
    await upgrade(hosts.destination, firstUpgrade);
    await expect(api.untilState(id, 'completed')).rejects.toThrow();
    expect(await hosts.destination.property(guestUnit, 'ActiveState')).toBe('inactive');
    expect(await workload.check()).toMatchObject({ pages, errors: 0 });
  });
});

describe('an upgrade of both hosts', () => {
  test('while a guest lacks pages goes on with them, and the guest has moved, whole', async () => {
    const id = await api.move('postcopy');
    ids.unshift(id);
    await api.untilState(id, 'postcopy-active');
    await upgrade(hosts.destination, secondUpgrade);
    await upgrade(hosts.source, secondUpgrade);
    expect(await api.untilState(id, 'completed')).toMatchObject({ error: null });
    const moved = await workloadIn(hosts.destination);
    await moved.waitUntilAnswering(overMs);
    expect(await moved.check()).toMatchObject({ pages, errors: 0 });
    expect(await hosts.source.property(guestUnit, 'ActiveState')).toBe('inactive');
    expect(await listed()).toMatchObject(ids.map((known) => ({ id: known })));
  });
});
