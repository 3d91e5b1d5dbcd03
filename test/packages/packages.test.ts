import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../environment/deadline.js';
import { fieldsOf } from '../environment/values.js';
import type { Workload } from '../guests/workload.js';
import { askIn } from './ask-in.js';
import { BootedHosts, destinationService as destination, sourceService as source } from './booted-hosts.js';
import type { Container } from './container.js';
import { dropIn } from './prepare-host.js';
import { SourceApi } from './source-api.js';
import { prepareGuest, workloadIn } from './systemd-guest.js';

// The packages as an operator meets them: two hosts with nothing but Debian, QEMU and the packages, each with systemd as its
// first process and a network namespace of its own.

const guestUnit = 'qemu-guest@web1';
const filledMiB = 32;
const overMs = 60_000;

const booted: { hosts?: BootedHosts } = {};

function hostsOf(): BootedHosts {
  if (booted.hosts === undefined) throw new Error('the hosts have not booted');
  return booted.hosts;
}

const started = (name: 'source' | 'destination'): Container => hostsOf()[name];

beforeAll(async () => {
  booted.hosts = await BootedHosts.boot();
});

afterAll(async () => {
  await booted.hosts?.close();
});

describe('installed by dpkg into a fresh Debian', () => {
  test.each(['source', 'destination'] as const)('the services start at once: %s', async (name) => {
    await started(name).run('sh', '-c', 'dpkg --install /root/*.deb');
    for (const unit of [source, destination]) {
      expect(await started(name).property(unit, 'ActiveState')).toBe('active');
      expect(await started(name).property(unit, 'StatusText')).toBe('No migration is under way');
      expect(await started(name).property(unit, 'UnitFileState')).toBe('enabled');
    }
    expect(await started(name).run('systemctl', '--failed', '--plain', '--no-legend')).toBe('');
    // The command finds the agent without being told where.
    await started(name).run('pageferry', 'list');
    for (const port of [7410, 7412])
      expect(await askIn(started(name), `http://127.0.0.1:${port}/readyz`)).toMatchObject({ ready: true });
  });

  test('the source agent serves its page', async () => {
    const program = `fetch('http://127.0.0.1:7410/page/vendor/uplot.js').then(async (answer) =>
      console.log(answer.status, (await answer.text()).includes('uPlot')))`;
    expect(await started('source').run('/usr/lib/pageferry/bin/node', '-e', program)).toBe('200 true\n');
  });

  test('the agents have no rights but those that they need', async () => {
    const capabilitiesOf = async (unit: string): Promise<string | undefined> => {
      const pid = await started('source').property(unit, 'MainPID');
      const status = await started('source').run('cat', `/proc/${pid}/status`);
      expect(status).not.toMatch(/^Uid:\s+0\s/m);
      expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
      return /^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1];
    };
    const ptrace = 1n << 19n;
    expect(BigInt(`0x${(await capabilitiesOf(source)) ?? ''}`)).toBe(ptrace);
    expect(BigInt(`0x${(await capabilitiesOf(destination)) ?? ''}`)).toBe(0n);
  });

  test('a service that hangs is killed by its watchdog, and started again', async () => {
    const before = await started('source').property(source, 'MainPID');
    await dropIn(started('source'), `${source}.service`, '[Service]\nWatchdogSec=2\n');
    await started('source').run('systemctl', 'restart', source);
    const hanging = await started('source').property(source, 'MainPID');
    expect(hanging).not.toBe(before);
    await started('source').run('sh', '-c', `kill -STOP ${hanging}`);
    await eventually(
      async () => {
        const [pid, state] = await Promise.all(
          ['MainPID', 'ActiveState'].map((property) => started('source').property(source, property)),
        );
        return pid !== hanging && state === 'active';
      },
      overMs,
      'the start of the service that was killed',
      200,
    );
    // From its next start on it has its own patience again.
    await dropIn(started('source'), `${source}.service`, '');
  });
});

describe('a guest', () => {
  let api: SourceApi;
  let workload: Workload;
  let pages = 0;

  beforeAll(async () => {
    api = new SourceApi(hostsOf(), 'web1');
    await hostsOf().secure({ source: {}, destination: { PAGEFERRY_DRIVER: 'systemd' } });
    for (const container of hostsOf().both) await prepareGuest(container);
    await started('source').run('systemctl', 'start', guestUnit);
    workload = await workloadIn(started('source'));
    await workload.waitUntilStarted(overMs);
    ({ pages } = await workload.fill(filledMiB));
    await workload.write({ megabytesPerSecond: 10 });
  });

  test('can come in, by the word of the host that has the units, unless polkit keeps the agent from starting them', async () => {
    const rules = '/usr/share/polkit-1/rules.d/60-pageferry.rules';
    const untilSaid = async (ok: boolean): Promise<unknown> =>
      eventually(
        async () => (await permissionThere()) === ok,
        overMs,
        `the word that it is ${ok} that the agent may start units`,
        200,
      );
    await untilSaid(true);
    await started('destination').run('mv', rules, `${rules}.away`);
    await untilSaid(false);
    // Before its unit has ever been started there.
    expect(await api.examine('hybrid')).toMatchObject({
      type: 'urn:pageferry:error:driver-failed',
      detail: stringWith('systemctl start'),
    });
    await started('destination').run('mv', `${rules}.away`, rules);
    await untilSaid(true);
  });

  test('is compared with a unit that is started for it, and ended again', async () => {
    expect(await api.examine('hybrid')).toMatchObject({
      fits: true,
      destination: { runState: 'inmigrate' },
    });
    await untilInactiveThere();
    expect(await started('destination').property(guestUnit, 'Result')).toBe('success');
    expect(await journalOf('destination', guestUnit)).toContain('Started');
  });

  test('is refused by a host that has no unit for it, with the reason', async () => {
    expect(await api.examine('hybrid', 'web2')).toMatchObject({
      type: 'urn:pageferry:error:guest-not-found',
      host: 'destination',
      detail: stringWith('/etc/pageferry/guests/web2.conf'),
    });
    expect(await started('destination').run('ls', '/run/pageferry/guests')).toBe('');
  });

  test('is refused by a host whose QEMU does not start, with where its own words are', async () => {
    await started('destination').write('etc/pageferry/guests/web3.conf', 'QEMU=/bin/false\n');
    expect(await api.examine('hybrid', 'web3')).toMatchObject({
      type: 'urn:pageferry:error:driver-failed',
      host: 'destination',
      detail: stringWith('journalctl -u qemu-guest@web3.service'),
    });
    expect(await started('destination').property('qemu-guest@web3', 'ActiveState')).toBe('inactive');
  });

  test('stays when its migration is cancelled, and its unit there ends', async () => {
    const id = await api.move('precopy');
    await api.untilState(id, 'active');
    expect(await started('destination').property(guestUnit, 'ActiveState')).toBe('active');
    await api.ask({}, `${id}/cancel`);
    await api.untilState(id, 'cancelled');
    await untilInactiveThere();
    expect(await started('source').property(guestUnit, 'ActiveState')).toBe('active');
    expect(await workload.check()).toMatchObject({ pages, errors: 0 });
  });

  test('stays when the agent there is killed, and its next run ends the unit', async () => {
    const id = await api.move('precopy');
    await api.untilState(id, 'active');
    const agent = await started('destination').property(destination, 'MainPID');
    await started('destination').run('sh', '-c', `kill -KILL ${agent}`);
    await api.untilState(id, 'failed');
    await untilInactiveThere();
    await untilActiveThere();
    expect(await workload.check()).toMatchObject({ pages, errors: 0 });
  });

  test('stays when the service is stopped while it moves, and the service ends well', async () => {
    const id = await api.move('precopy');
    await api.untilState(id, 'active');
    await eventually(
      async () => /^web1 active, \d+ MiB to go/.test(await started('source').property(source, 'StatusText')),
      overMs,
      'the progress in the status of the service',
      200,
    );
    await started('source').run('systemctl', 'stop', source);
    expect(await started('source').property(source, 'Result')).toBe('success');
    expect(await workload.check()).toMatchObject({ pages, errors: 0 });
    expect(await started('source').property(guestUnit, 'ActiveState')).toBe('active');
    await untilInactiveThere();
    await started('source').run('systemctl', 'start', source);
  });

  test('moves, whole, though both services are restarted in the middle of its post-copy', async () => {
    const id = await api.move('postcopy');
    await api.untilState(id, 'postcopy-active');
    await started('destination').run('systemctl', 'restart', destination);
    await started('source').run('systemctl', 'restart', source);
    expect(await api.untilState(id, 'completed')).toMatchObject({ error: null });

    const moved = await workloadIn(started('destination'));
    await moved.waitUntilAnswering(overMs);
    expect(await moved.check()).toMatchObject({ pages, errors: 0 });
    expect(await started('destination').run('systemctl', 'is-active', guestUnit)).toBe('active\n');
    expect(await started('source').property(guestUnit, 'ActiveState')).toBe('inactive');
    for (const name of ['source', 'destination'] as const)
      expect(await started(name).run('systemctl', '--failed', '--plain', '--no-legend')).toBe('');
    // An operator follows it on both hosts by the same id.
    const units = [
      ['source', source],
      ['destination', destination],
    ] as const;
    for (const [name, service] of units) {
      const lines = (await journalOf(name, service)).split('\n').filter((line) => line.includes(id));
      expect(lines.join('\n')).toContain('"state":"completed"');
    }
  });
});

test('a stop ends the service well and at once, and a removal leaves nothing running', async () => {
  const container = started('source');
  await container.run('systemctl', 'stop', source);
  expect(await container.property(source, 'Result')).toBe('success');
  await container.run('dpkg', '--purge', 'pageferry', source, destination, 'pageferry-common');
  expect(await container.run('systemctl', 'list-units', '--plain', '--no-legend', 'pageferry*')).toBe('');
  expect(await readdir(container.path('var/lib/pageferry'))).toEqual(['guests']);
});

async function journalOf(name: 'source' | 'destination', service: string): Promise<string> {
  return started(name).run('journalctl', '--unit', service, '--output=cat', '--no-pager');
}

async function untilInactiveThere(): Promise<void> {
  await eventually(
    async () => (await started('destination').property(guestUnit, 'ActiveState')) === 'inactive',
    overMs,
    'the end of the QEMU that waited',
    200,
  );
}

/** The agent, which systemd has started again. */
async function untilActiveThere(): Promise<void> {
  await eventually(
    async () => (await started('destination').property(destination, 'ActiveState')) === 'active',
    overMs,
    'the next run of the destination agent',
    200,
  );
}

const stringWith = (text: string): unknown => expect.stringContaining(text);

/** What the destination agent says of its permission to start units. */
async function permissionThere(): Promise<unknown> {
  const { checks } = await askIn(started('destination'), 'http://127.0.0.1:7412/readyz');
  return Array.isArray(checks)
    ? checks.map(fieldsOf).find(({ name }) => name === 'unit-permission')?.['ok']
    : undefined;
}
