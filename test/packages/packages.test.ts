import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../environment/deadline.js';
import { ensureEnvironment } from '../environment/install.js';
import { cache, repository } from '../environment/paths.js';
import { run } from '../environment/run.js';
import { fieldsOf, stringOf, type Fields } from '../environment/values.js';
import { SerialPort } from '../guests/serial-port.js';
import { Workload } from '../guests/workload.js';
import { namespaceHosts } from '../hosts/namespace-hosts.js';
import type { Hosts } from '../hosts/hosts.js';
import { certificatesFor, type HostFiles } from './certificates.js';
import { Container } from './container.js';
import { debianTree, installTools } from './debian-tree.js';

// The packages as an operator meets them: two hosts with nothing but Debian, QEMU and the packages, each with systemd as its
// first process and a network namespace of its own.

const source = 'pageferry-source-agent';
const destination = 'pageferry-destination-agent';
const api = 'http://127.0.0.1:7410/v1/migrations';
const guestUnit = 'qemu-guest@web1';
const filledMiB = 32;
const overMs = 60_000;
/** Of what there is to send, some seconds. */
const slowBytesPerSecond = 10_000_000;

/** Of the destination. */
let address = '';

const hosts: { hosts?: Hosts; source?: Container; destination?: Container } = {};

function started(name: 'source' | 'destination'): Container {
  const container = hosts[name];
  if (container === undefined) throw new Error(`the ${name} has not booted`);
  return container;
}

beforeAll(async () => {
  await installTools();
  const tree = await debianTree();
  const packages = await builtPackages();
  const namespaces = await namespaceHosts();
  hosts.hosts = namespaces;
  for (const name of ['source', 'destination'] as const) {
    const container = await Container.boot(name, tree, namespaces[name].networkNamespace ?? '');
    hosts[name] = container;
    for (const path of packages) await container.write(join('root', basename(path)), await readFile(path));
  }
});

afterAll(async () => {
  await hosts.source?.close();
  await hosts.destination?.close();
  await hosts.hosts?.close();
});

async function builtPackages(): Promise<string[]> {
  const directory = join(cache, 'packages-under-test');
  const main = join(repository, 'packages/packaging/dist/main.js');
  const built = await run(process.execPath, [main, '--compression', 'zstd', '--output', directory]);
  return built.trim().split('\n');
}

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
    await dropIn(started('source'), source, '[Service]\nWatchdogSec=2\n');
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
  });
});

describe('a guest', () => {
  let workload: Workload;
  let pages = 0;

  beforeAll(async () => {
    const { hosts: namespaces } = hosts;
    if (namespaces === undefined) throw new Error('there are no hosts');
    address = namespaces.destination.address;
    const certificates = await certificatesFor({ source: namespaces.source.address, destination: address });
    await secure(started('source'), source, certificates.source, {
      PAGEFERRY_TLS_CERTIFICATE: '/etc/pageferry/certificate.pem',
      PAGEFERRY_TLS_KEY: 'credential:key',
      PAGEFERRY_TLS_AUTHORITY: '/etc/pageferry/authority.pem',
    });
    await secure(started('destination'), destination, certificates.destination, {
      PAGEFERRY_DRIVER: 'systemd',
      PAGEFERRY_STREAM_HOST: address,
      PAGEFERRY_STREAM_TLS_CERTIFICATE: '/etc/pageferry/certificate.pem',
      PAGEFERRY_STREAM_TLS_KEY: 'credential:key',
      PAGEFERRY_STREAM_TLS_CLIENT_AUTHORITY: '/etc/pageferry/authority.pem',
      PAGEFERRY_STREAM_ALLOWED_PEERS: 'source.test',
    });
    for (const name of ['source', 'destination'] as const) await prepareGuest(started(name));
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
        async () => (await permissionThere()).includes(`"ok":${ok}`),
        overMs,
        `the word that it is ${ok} that the agent may start units`,
        200,
      );
    await untilSaid(true);
    await started('destination').run('mv', rules, `${rules}.away`);
    await untilSaid(false);
    await started('destination').run('mv', `${rules}.away`, rules);
    await untilSaid(true);
  });

  test('is compared with a unit that is started for it, and ended again', async () => {
    expect(await ask(requestOf('hybrid', { dryRun: true }))).toMatchObject({
      fits: true,
      destination: { runState: 'inmigrate' },
    });
    await untilInactiveThere();
    expect(await started('destination').property(guestUnit, 'Result')).toBe('success');
    expect(await journalOf('destination', guestUnit)).toContain('Started');
  });

  test('is refused by a host that has no unit for it, with the reason', async () => {
    const request = {
      ...requestOf('hybrid', { dryRun: true }),
      destination: { url: urlOf(), guest: 'web2' },
    };
    expect(await ask(request)).toMatchObject({
      type: 'urn:pageferry:error:guest-not-found',
      host: 'destination',
      detail: stringWith('/etc/pageferry/guests/web2.conf'),
    });
    expect(await started('destination').run('ls', '/run/pageferry/guests')).toBe('');
  });

  test('is refused by a host whose QEMU does not start, with where its own words are', async () => {
    await started('destination').write('etc/pageferry/guests/web3.conf', 'QEMU=/bin/false\n');
    const request = {
      ...requestOf('hybrid', { dryRun: true }),
      destination: { url: urlOf(), guest: 'web3' },
    };
    expect(await ask(request)).toMatchObject({
      type: 'urn:pageferry:error:driver-failed',
      host: 'destination',
      detail: stringWith('journalctl -u qemu-guest@web3.service'),
    });
    expect(await started('destination').property('qemu-guest@web3', 'ActiveState')).toBe('inactive');
  });

  test('stays when its migration is cancelled, and its unit there ends', async () => {
    const id = await move('precopy');
    await untilState(id, 'active');
    expect(await started('destination').property(guestUnit, 'ActiveState')).toBe('active');
    await ask({}, `${id}/cancel`);
    await untilState(id, 'cancelled');
    await untilInactiveThere();
    expect(await started('source').property(guestUnit, 'ActiveState')).toBe('active');
    expect(await workload.check()).toMatchObject({ pages, errors: 0 });
  });

  test('stays when the agent there is killed, and its next run ends the unit', async () => {
    const id = await move('precopy');
    await untilState(id, 'active');
    const agent = await started('destination').property(destination, 'MainPID');
    await started('destination').run('sh', '-c', `kill -KILL ${agent}`);
    await untilState(id, 'failed');
    await untilInactiveThere();
    await untilActiveThere();
    expect(await workload.check()).toMatchObject({ pages, errors: 0 });
  });

  test('stays when the service is stopped while it moves, and the service ends well', async () => {
    const id = await move('precopy');
    await untilState(id, 'active');
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
    const id = await move('postcopy');
    await untilState(id, 'postcopy-active');
    await started('destination').run('systemctl', 'restart', destination);
    await started('source').run('systemctl', 'restart', source);
    expect(await untilState(id, 'completed')).toMatchObject({ error: null });

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

async function dropIn(container: Container, unit: string, text: string): Promise<void> {
  await container.write(`etc/systemd/system/${unit}.service.d/test.conf`, text);
  await container.run('systemctl', 'daemon-reload');
}

/** TLS with a key that only root may read: the service gets it as a credential. */
async function secure(
  container: Container,
  unit: string,
  { authority, certificate, key }: HostFiles,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  await container.write('etc/pageferry/authority.pem', authority);
  await container.write('etc/pageferry/certificate.pem', certificate);
  await container.write('etc/pageferry/key.pem', key, 0o600);
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  await container.write(`etc/default/${unit}`, lines.join(''));
  await dropIn(container, unit, '[Service]\nLoadCredential=key:/etc/pageferry/key.pem\n');
  await container.run('systemctl', 'restart', unit);
}

/** As an operator would, and as udev does where there is one. */
async function prepareGuest(container: Container): Promise<void> {
  const { kernel, initramfs } = await ensureEnvironment();
  await container.write('srv/guest/vmlinuz', await readFile(kernel));
  await container.write('srv/guest/initrd', await readFile(initramfs));
  await container.run('mknod', '-m', '0660', '/dev/userfaultfd', 'c', '10', await userfaultfdMinor());
  await container.run('chgrp', 'pageferry', '/dev/userfaultfd');
  const files = '/var/lib/pageferry/guests';
  const qemuArguments = [
    ...['-accel', 'tcg', '-machine', 'pc', '-m', '256M', '-no-reboot'],
    ...['-kernel', '/srv/guest/vmlinuz', '-initrd', '/srv/guest/initrd', '-append', 'tsc=reliable'],
    ...['-serial', `file:${files}/web1.console`, '-serial', `unix:${files}/web1.serial,server=on,wait=off`],
  ];
  await container.write('etc/pageferry/guests/web1.conf', `QEMU_ARGUMENTS="${qemuArguments.join(' ')}"\n`);
}

async function userfaultfdMinor(): Promise<string> {
  const minor = /^\s*(\d+) userfaultfd$/m.exec(await readFile('/proc/misc', 'utf8'))?.[1];
  if (minor === undefined) throw new Error('this kernel has no /dev/userfaultfd');
  return minor;
}

/** The program in the guest, through its serial port. */
async function workloadIn(container: Container): Promise<Workload> {
  return new Workload(await SerialPort.open(container.path('var/lib/pageferry/guests/web1.serial')));
}

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

/** The source's API, from the source itself, with the runtime that the packages bring. */
async function ask(body: unknown, path?: string): Promise<Fields> {
  const script = `
    const [url, body] = process.argv.slice(1);
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, body === undefined ? {} : { method: 'POST', headers, body });
    console.log(await answer.text());
  `;
  const args = [
    path === undefined ? api : `${api}/${path}`,
    ...(body === undefined ? [] : [JSON.stringify(body)]),
  ];
  const node = '/usr/lib/pageferry/bin/node';
  const answer = await started('source').run(node, '--input-type=module', '--eval', script, ...args);
  return fieldsOf(JSON.parse(answer));
}

const stringWith = (text: string): unknown => expect.stringContaining(text);
const urlOf = (): string => `wss://${address}:7411`;

function requestOf(mode: string, more: object = {}): object {
  return { guest: 'web1', destination: { url: urlOf() }, mode, ...more };
}

/** What the destination agent says of its permission to start units. */
async function permissionThere(): Promise<string> {
  const script = `
    const { checks } = await (await fetch('http://127.0.0.1:7412/readyz')).json();
    console.log(JSON.stringify(checks.find(({ name }) => name === 'unit-permission')));
  `;
  return started('destination').run('/usr/lib/pageferry/bin/node', '--input-type=module', '--eval', script);
}

/** Has the guest begin to move, slowly enough for something to happen meanwhile; says the migration's id. */
async function move(mode: 'precopy' | 'postcopy'): Promise<string> {
  const bandwidthCaps = { precopy: slowBytesPerSecond, postcopy: slowBytesPerSecond };
  return stringOf(await ask(requestOf(mode, { bandwidthCaps })), 'id');
}

async function untilState(id: string, wanted: string): Promise<Fields> {
  return eventually(
    async () => {
      const view = await ask(undefined, id);
      const state = stringOf(view, 'state');
      if (state === wanted) return view;
      if (['completed', 'failed', 'cancelled'].includes(state))
        throw new Error(JSON.stringify(view['error']));
      return undefined;
    },
    overMs,
    `the state ${wanted}`,
    100,
  );
}
