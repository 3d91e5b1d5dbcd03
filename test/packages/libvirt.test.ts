import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SerialPort } from '../guests/serial-port.js';
import { Workload } from '../guests/workload.js';
import { libvirtDomainXml } from '../hosts/libvirt-domain-xml.js';
import { askIn } from './ask-in.js';
import { BootedHosts, destinationService, sourceService } from './booted-hosts.js';
import type { Container } from './container.js';
import { dropIn, makeUserfaultfd } from './prepare-host.js';
import { SourceApi } from './source-api.js';
import { bringGuestFiles, guestFiles } from './systemd-guest.js';

// Two hosts with Debian's libvirt, whose QEMUs run as libvirt-qemu, and the packages' units, with the settings that docs/libvirt.md
// gives them and no others. What AppArmor does is not seen here: few kernels that run tests have it.

const libvirtPackages = [
  'libvirt-daemon-system',
  'libvirt-daemon-driver-qemu',
  'libvirt-clients',
  'apparmor',
];
const units = [sourceService, destinationService] as const;
const name = 'web1';
const uid = '64055';
const disk = '/var/lib/libvirt/images/web1.raw';
const serialSocket = '/var/lib/libvirt/qemu/web1.serial';
const filledMiB = 32;
const overMs = 60_000;

const agentSettings = `[Unit]
Wants=libvirtd.service
After=libvirtd.service

[Service]
User=libvirt-qemu
Group=pageferry
SupplementaryGroups=libvirt
`;
const socketSettings = '[Socket]\nSocketGroup=libvirt\nSocketMode=0660\n';
const aclDevices = ['null', 'full', 'zero', 'random', 'urandom', 'ptmx', 'kvm', 'userfaultfd'];

let hosts: BootedHosts;
let api: SourceApi;

beforeAll(async () => {
  hosts = await BootedHosts.boot(libvirtPackages);
  await hosts.install();
  for (const container of hosts.both) await configure(container);
  await hosts.secure({
    source: { PAGEFERRY_LIBVIRT_URI: 'qemu:///system' },
    destination: { PAGEFERRY_DRIVER: 'libvirt', PAGEFERRY_LIBVIRT_URI: 'qemu:///system' },
  });
  for (const container of hosts.both) await define(container);
  api = new SourceApi(hosts, name);
});

afterAll(async () => {
  await hosts.close();
});

/** What docs/libvirt.md says under "Rights". */
async function configure(container: Container): Promise<void> {
  await dropIn(container, 'libvirtd.socket', socketSettings);
  await append(container, '/etc/libvirt/libvirtd.conf', 'auth_unix_rw = "none"\n');
  const devices = aclDevices.map((device) => `"/dev/${device}"`).join(', ');
  await append(container, '/etc/libvirt/qemu.conf', `cgroup_device_acl = [ ${devices} ]\n`);
  // Not in the document: nspawn shows cgroups that nobody may write to.
  await append(container, '/etc/libvirt/qemu.conf', 'cgroup_controllers = []\n');
  await makeUserfaultfd(container, 'libvirt-qemu');
  await container.run('sh', '-c', 'systemctl stop libvirtd.service && systemctl restart libvirtd.socket');
  for (const unit of units) await dropIn(container, `${unit}.service`, agentSettings, 'libvirt');
  const directories = '/usr/lib/tmpfiles.d/pageferry.conf';
  const rewrite = `sed 's/0700 pageferry/0700 libvirt-qemu/' ${directories} > /etc/tmpfiles.d/pageferry.conf`;
  await container.run('sh', '-c', rewrite);
  await container.run('systemd-tmpfiles', '--create', 'pageferry.conf');
  await container.run('systemctl', 'restart', ...units);
}

async function append(container: Container, path: string, text: string): Promise<void> {
  await container.run('sh', '-c', 'printf %s "$1" >> "$2"', 'sh', text, path);
}

async function define(container: Container): Promise<void> {
  await bringGuestFiles(container);
  await container.run('sh', '-c', `truncate -s 1M ${disk} && chown ${uid} ${disk} && chmod 0600 ${disk}`);
  const { kernel, initramfs } = guestFiles;
  const definition = libvirtDomainXml({ name, memoryMiB: 192 }, { kernel, initramfs, disk, serialSocket });
  await container.write('root/web1.xml', definition);
  await container.run('virsh', 'define', '/root/web1.xml');
}

async function workloadIn(container: Container): Promise<Workload> {
  return new Workload(await SerialPort.open(container.path(serialSocket)));
}

async function stateIn(container: Container): Promise<string> {
  return (await container.run('virsh', 'domstate', name)).trim();
}

/** Of a process there: lines of its `status`. */
async function statusOf(container: Container, pid: string): Promise<(key: string) => string> {
  const text = await container.run('cat', `/proc/${pid.trim()}/status`);
  return (key) => new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
}

async function expectUnprivilegedQemu(container: Container): Promise<void> {
  const status = await statusOf(container, await container.run('cat', `/run/libvirt/qemu/${name}.pid`));
  expect(status('Uid').split('\t')).toEqual([uid, uid, uid, uid]);
  expect(BigInt(`0x${status('CapEff')}`)).toBe(0n);
}

/** What QEMU's account may do, with what its QEMUs are started with. */
async function asQemu(container: Container, ...command: readonly string[]): Promise<string> {
  const account = ['--reuid=libvirt-qemu', '--regid=libvirt-qemu', '--init-groups', '--inh-caps=-all'];
  return container.run('setpriv', ...account, '--', ...command);
}

describe('agents beside QEMUs of libvirt-qemu', () => {
  test('are ready, with no rights but those that they need', async () => {
    const capabilities = { [sourceService]: 1n << 19n, [destinationService]: 0n } as const;
    for (const container of hosts.both) {
      for (const port of [7410, 7412])
        expect(await askIn(container, `http://127.0.0.1:${port}/readyz`)).toMatchObject({ ready: true });
      for (const unit of units) {
        const status = await statusOf(container, await container.property(unit, 'MainPID'));
        expect(status('Uid').split('\t')[0]).toBe(uid);
        expect(BigInt(`0x${status('CapEff')}`)).toBe(capabilities[unit]);
      }
    }
  });

  test('do not let a QEMU that was broken out of use libvirt, or look into them', async () => {
    const container = hosts.destination;
    await expect(asQemu(container, 'virsh', '--connect', 'qemu:///system', 'list')).rejects.toThrow(
      'Permission denied',
    );
    for (const unit of units) {
      const pid = await container.property(unit, 'MainPID');
      await expect(asQemu(container, 'head', '-c1', `/proc/${pid}/environ`)).rejects.toThrow(
        'Permission denied',
      );
    }
  });
});

describe('a domain of libvirt-qemu', () => {
  let pages = 0;

  beforeAll(async () => {
    await hosts.source.run('virsh', 'start', name);
    const workload = await workloadIn(hosts.source);
    await workload.waitUntilStarted(overMs);
    ({ pages } = await workload.fill(filledMiB));
    await workload.write({ megabytesPerSecond: 10 });
  });

  test('is compared with one that is started for it, and shut off again', async () => {
    expect(await api.examine('hybrid')).toMatchObject({
      fits: true,
      destination: { runState: 'inmigrate' },
    });
    expect(await stateIn(hosts.destination)).toBe('shut off');
  });

  test('moves, whole, though both agents are restarted in the middle of its post-copy', async () => {
    await expectUnprivilegedQemu(hosts.source);
    const id = await api.move('postcopy');
    await api.untilState(id, 'postcopy-active');
    await hosts.destination.run('systemctl', 'restart', destinationService);
    await hosts.source.run('systemctl', 'restart', sourceService);
    expect(await api.untilState(id, 'completed')).toMatchObject({ error: null });

    const moved = await workloadIn(hosts.destination);
    await moved.waitUntilAnswering(overMs);
    expect(await moved.check()).toMatchObject({ pages, errors: 0 });
    expect(await moved.shell('echo there > /dev/vda && sync')).toBe(0);
    await expectUnprivilegedQemu(hosts.destination);
    expect(await stateIn(hosts.source)).toBe('shut off');
    expect(await stateIn(hosts.destination)).toBe('running');
    for (const container of hosts.both) {
      expect(await container.run('stat', '--format=%u', disk)).toBe(`${uid}\n`);
      expect(await container.run('systemctl', '--failed', '--plain', '--no-legend')).toBe('');
    }
  });
});

test("what QEMU's AppArmor profile is given is understood by AppArmor", async () => {
  const container = hosts.destination;
  const lines = ['/run/pageferry/source/** rw,', '/run/pageferry/destination/** rw,', '/dev/userfaultfd rw,'];
  await append(container, '/etc/apparmor.d/local/abstractions/libvirt-qemu', `${lines.join('\n')}\n`);
  const template = '/etc/apparmor.d/libvirt/TEMPLATE.qemu';
  const profile = '/etc/apparmor.d/libvirt/libvirt-test';
  await container.run('sh', '-c', `sed s/LIBVIRT_TEMPLATE/libvirt-test/ ${template} > ${profile}`);
  const understood = await container.run(
    'apparmor_parser',
    '--skip-kernel-load',
    '--skip-cache',
    '--debug',
    profile,
  );
  for (const line of lines) expect(understood).toContain(line.split(' ')[0]);
});
