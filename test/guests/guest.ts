import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startBound, type BoundProcess, type Exit } from '../environment/bound-process.js';
import { withDeadline } from '../environment/deadline.js';
import { ensureEnvironment, type Environment } from '../environment/install.js';
import { fieldsOf, stringOf } from '../environment/values.js';
import { qemuArguments, type GuestFiles, type GuestHardware } from './qemu-arguments.js';
import { Monitor } from './qmp.js';
import { SerialPort } from './serial-port.js';
import { Workload } from './workload.js';

export interface GuestOptions extends GuestHardware {
  readonly name: string;
  /** Existing or not; holds the sockets and logs of this QEMU. Its path must be short: sockets lie in it. */
  readonly directory: string;
  /** Where pageferry finds the guest; `NAME.sock` in the directory by default. */
  readonly qmpSocket?: string;
  /** Wait for a migration in place of booting. */
  readonly incoming?: boolean;
  readonly networkNamespace?: string | undefined;
  /** Another QEMU than the installed one. */
  readonly qemu?: string;
}

const startDeadlineMs = 60_000;
const killDeadlineMs = 20_000;

let environment: Promise<Environment> | undefined;

function filesOf(options: GuestOptions): GuestFiles & { readonly log: string } {
  const file = (suffix: string): string => join(options.directory, `${options.name}.${suffix}`);
  return {
    qmpSocket: options.qmpSocket ?? file('sock'),
    monitorSocket: file('monitor'),
    serialSocket: file('serial'),
    console: file('console'),
    firmwareVariables: file('vars'),
    memory: file('ram'),
    log: file('qemu'),
  };
}

const contentOf = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

/** A QEMU with a Linux guest that runs the workload, on this or that test host. */
export class Guest {
  readonly name: string;
  /** What it was started with. */
  readonly options: GuestOptions;
  readonly qmpSocket: string;
  /** The tests' own QMP connection; the guest's QMP socket stays free for pageferry. */
  readonly monitor: Monitor;
  readonly workload: Workload;
  readonly #qemu: BoundProcess;
  readonly #port: SerialPort;
  readonly #files: ReturnType<typeof filesOf>;

  private constructor(options: GuestOptions, qemu: BoundProcess, monitor: Monitor, port: SerialPort) {
    this.#qemu = qemu;
    this.#port = port;
    this.#files = filesOf(options);
    this.options = options;
    this.name = options.name;
    this.qmpSocket = this.#files.qmpSocket;
    this.monitor = monitor;
    this.workload = new Workload(port);
  }

  get pid(): number {
    return this.#qemu.pid;
  }

  get exited(): Promise<Exit> {
    return this.#qemu.exited;
  }

  /** Starts QEMU; the guest has yet to boot (see {@link waitUntilReady}), or to arrive. */
  static async start(options: GuestOptions): Promise<Guest> {
    environment ??= ensureEnvironment();
    const prepared = await environment;
    const files = filesOf(options);
    await mkdir(options.directory, { recursive: true });
    for (const path of Object.values<string>({ ...files })) await rm(path, { force: true });
    if (options.ovmf === true) await copyFile(prepared.firmware.variables, files.firmwareVariables);

    const args = qemuArguments(options.name, options, files, prepared, options.incoming ?? false);
    const log = await open(files.log, 'w');
    const { networkNamespace, qemu = 'qemu-system-x86_64' } = options;
    const qemuProcess = await startBound(qemu, args, { networkNamespace, stdio: ['ignore', log.fd, log.fd] });
    await log.close();

    const failed = qemuProcess.exited.then((): never => {
      throw new Error(`QEMU of ${options.name} did not start: ${contentOf(files.log).trim()}`);
    });
    try {
      const [monitor, port] = await Promise.race([
        Promise.all([Monitor.connect(files.monitorSocket), SerialPort.open(files.serialSocket)]),
        failed,
      ]);
      return new Guest(options, qemuProcess, monitor, port);
    } catch (error) {
      qemuProcess.process.kill('SIGKILL');
      throw error;
    } finally {
      failed.catch(() => undefined);
    }
  }

  /** Waits until the workload answers: after the boot, or on an incoming guest after its migration. */
  async waitUntilReady(timeoutMs = startDeadlineMs): Promise<void> {
    const failed = this.exited.then((): never => {
      throw new Error(`the QEMU of ${this.name} ended:\n${this.log()}`);
    });
    try {
      await Promise.race([
        this.options.incoming === true
          ? this.workload.waitUntilAnswering(timeoutMs)
          : this.workload.waitUntilStarted(timeoutMs),
        failed,
      ]);
    } catch (error) {
      throw new Error(`${this.name} is not ready; its log:\n${this.log()}`, { cause: error });
    } finally {
      failed.catch(() => undefined);
    }
  }

  /** QEMU's name for what the guest is doing: `running`, `paused`, `inmigrate`, `postmigrate`... */
  async state(): Promise<string> {
    return stringOf(fieldsOf(await this.monitor.execute('query-status')), 'status');
  }

  /** What QEMU and the guest's kernel have said. */
  log(): string {
    return `${contentOf(this.#files.log)}${contentOf(this.#files.console)}`;
  }

  /** Ends QEMU by SIGKILL, as one that waits for a page ignores everything else; may be called again. */
  async kill(): Promise<void> {
    this.#qemu.process.kill('SIGKILL');
    await withDeadline(this.exited, killDeadlineMs, `the end of the killed QEMU of ${this.name}`);
    this.monitor.close();
    this.#port.close();
    await rm(this.#files.memory, { force: true });
  }
}
