import { readdirSync, readlinkSync, rmSync } from 'node:fs';
import { appendFile, chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { startBound, type BoundProcess } from '../environment/bound-process.js';
import { eventually, withDeadline } from '../environment/deadline.js';
import { onExit } from '../environment/on-exit.js';
import { cache } from '../environment/paths.js';
import { run, succeeds } from '../environment/run.js';
import type { Host } from './host.js';
import { accountLines, daemonSettings, qemuSettings, type QemuAccount } from './libvirt-settings.js';

const startDeadlineMs = 20_000;
const endDeadlineMs = 20_000;

// Each libvirt takes these for its own. What it knows of the installed QEMUs took it seconds to find out, and may be shared.
const ownDirectories = [
  '/run/libvirt',
  '/var/lib/libvirt',
  '/var/cache/libvirt',
  '/var/log/libvirt',
  '/etc/libvirt',
];
const sharedCache = '/var/cache/libvirt/qemu/capabilities';
const script = `
set -e
directory=$1 shared=$2
shift 2
for path in "$@"; do
  mkdir -p "$path"
  mount -t tmpfs -o mode=755 tmpfs "$path"
done
for name in passwd group; do mount --bind "$directory/$name" "/etc/$name"; done
mkdir -p "${sharedCache}"
mount --bind "$shared" "${sharedCache}"
cp "$directory/qemu.conf" /etc/libvirt/qemu.conf
for device in kvm userfaultfd; do
  [ -e /dev/$device ] || continue
  cp --archive /dev/$device /run/libvirt/$device
  chgrp libvirt-qemu /run/libvirt/$device
  chmod 0660 /run/libvirt/$device
  mount --bind /run/libvirt/$device /dev/$device
done
exec libvirtd --config "$directory/libvirtd.conf" --pid-file "$directory/libvirtd.pid"
`;

const restartScript = `
kill -KILL "$1"
while kill -0 "$1" 2> /dev/null; do sleep 0.05; done
exec libvirtd --config "$2" --pid-file "$3"
`;

/** A libvirt of its own on a test host: it sees the host's files, but for those of other libvirts. */
export class LibvirtHost {
  readonly directory: string;
  readonly qemuAccount: QemuAccount;
  readonly #forget: () => void;
  #daemon: BoundProcess | undefined;
  /** That it shares with its QEMUs, and with nobody else. */
  #namespace: string | undefined;

  private constructor(directory: string, qemuAccount: QemuAccount) {
    this.directory = directory;
    this.qemuAccount = qemuAccount;
    this.#forget = onExit(() => {
      this.#killAll();
      rmSync(directory, { recursive: true, force: true });
    });
  }

  /** Makes what it needs; it has yet to be started. */
  static async create(qemuAccount: QemuAccount = 'root'): Promise<LibvirtHost> {
    const directory = await mkdtemp(join(tmpdir(), 'pageferry-'));
    // To what lies in it others than root come.
    await chmod(directory, 0o711);
    return new LibvirtHost(directory, qemuAccount);
  }

  /** Where clients find it, in whatever namespace they are. */
  get uri(): string {
    return `qemu+unix:///system?socket=${join(this.directory, 'libvirt-sock')}`;
  }

  /** Resolves when it answers. */
  async start(host: Host): Promise<void> {
    const shared = join(cache, 'libvirt');
    await mkdir(shared, { recursive: true });
    for (const [name, line] of Object.entries(accountLines)) {
      await copyFile(join('/etc', name), join(this.directory, name));
      await appendFile(join(this.directory, name), line);
    }
    await writeFile(join(this.directory, 'qemu.conf'), qemuSettings(this.qemuAccount));
    await writeFile(join(this.directory, 'libvirtd.conf'), daemonSettings(this.directory));
    const args = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'];
    this.#daemon = await host.start('unshare', [...args, this.directory, shared, ...ownDirectories], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    await this.#untilAnswering();
    this.#namespace = namespaceOf(this.#daemon.pid);
  }

  /** Ends libvirt by SIGKILL, and starts it again; the domains run on. */
  async restart(): Promise<void> {
    const first = this.#running;
    const { directory } = this;
    const args = [String(first.pid), join(directory, 'libvirtd.conf'), join(directory, 'libvirtd.pid')];
    const enter = ['--target', String(first.pid), '--mount', '--net', '--'];
    this.#daemon = await startBound('nsenter', [...enter, 'sh', '-c', restartScript, 'sh', ...args]);
    await first.exited;
    await this.#untilAnswering();
  }

  async virsh(...args: string[]): Promise<string> {
    return run('virsh', ['--quiet', '--connect', this.uri, ...args]);
  }

  /** What `virsh list --all` says of each domain. */
  async states(): Promise<Record<string, string>> {
    const lines = (await this.virsh('list', '--all')).split('\n').filter((line) => line.trim() !== '');
    return Object.fromEntries(
      lines.map((line) => {
        const [, name = '', ...state] = line.trim().split(/\s+/);
        return [name, state.join(' ')];
      }),
    );
  }

  /** Of the QEMU of a domain that runs: its lines of `/proc/PID/status`, by their names. */
  async qemuStatus(name: string): Promise<ReadonlyMap<string, string>> {
    const pid = (
      await readFile(`/proc/${this.#running.pid}/root/run/libvirt/qemu/${name}.pid`, 'utf8')
    ).trim();
    const lines = (await readFile(`/proc/${pid}/status`, 'utf8')).split('\n');
    return new Map(
      lines.map((line) => {
        const [key = '', ...value] = line.split(':');
        return [key, value.join(':').trim()];
      }),
    );
  }

  /** What `virsh console` shows while `act` is under way. */
  async console(name: string, act: () => Promise<unknown>): Promise<string> {
    // It wants a terminal.
    const command = `virsh --connect '${this.uri}' console --force ${name}`;
    const viewer = await startBound('script', ['--quiet', '--flush', '--command', command, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let shown = '';
    viewer.process.stdout?.setEncoding('utf8').on('data', (text: string) => (shown += text));
    await eventually(() => shown.includes('Escape character'), startDeadlineMs, 'the console');
    const greeting = shown.length;
    await act();
    await eventually(() => shown.slice(greeting).includes('\n'), startDeadlineMs, 'the output of the guest');
    viewer.process.kill('SIGKILL');
    await viewer.exited;
    return shown.slice(greeting);
  }

  async log(): Promise<string> {
    return readFile(join(this.directory, 'libvirtd.log'), 'utf8').catch(() => '');
  }

  /** Ends it with all of its domains, and removes its files. */
  async close(): Promise<void> {
    this.#killAll();
    if (this.#daemon !== undefined)
      await withDeadline(this.#daemon.exited, endDeadlineMs, 'the end of libvirtd');
    await rm(this.directory, { recursive: true, force: true });
    this.#forget();
  }

  get #running(): BoundProcess {
    if (this.#daemon === undefined) throw new Error('libvirtd has not been started');
    return this.#daemon;
  }

  async #untilAnswering(): Promise<void> {
    await eventually(
      () => succeeds('virsh', ['--connect', this.uri, 'list']),
      startDeadlineMs,
      'the start of libvirtd',
    );
  }

  /** Its QEMUs are not bound to it. */
  #killAll(): void {
    if (this.#namespace === undefined) return;
    for (const name of readdirSync('/proc')) {
      if (/^\d+$/.test(name) && namespaceOf(Number(name)) === this.#namespace)
        process.kill(Number(name), 'SIGKILL');
    }
  }
}

/** Of mounts; undefined for a process that has just ended. */
function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined;
  }
}
