import { PageferryError } from '@pageferry/errors';
import { parseQemuEvent, isStop, type DomainEvent } from './domain-events.js';
import { monitorCommand } from './monitor-command.js';
import { VirshShell } from './virsh-shell.js';
import { VirshWatch } from './virsh-watch.js';

export interface DomainConnectionOptions {
  readonly uri: string;
  readonly uuid: string;
  readonly signal?: AbortSignal | undefined;
  /** Without it events are not listened to. */
  readonly onEvent?: ((event: DomainEvent) => void) | undefined;
  /** The domain's QEMU has ended. */
  readonly onStop?: (() => void) | undefined;
}

/** A running domain's monitor, and its events, by way of libvirt. */
export class DomainConnection {
  readonly #uuid: string;
  readonly #shell: VirshShell;
  readonly #watches: readonly VirshWatch[];

  /** Resolves, and never rejects, when it is broken; with the reason. */
  readonly closed: Promise<PageferryError>;

  private constructor(uuid: string, shell: VirshShell, watches: readonly VirshWatch[]) {
    this.#uuid = uuid;
    this.#shell = shell;
    this.#watches = watches;
    this.closed = Promise.race([shell.closed, ...watches.map(({ closed }) => closed)]);
    void this.closed.then((reason) => {
      this.close(reason);
    });
  }

  /** Errors: `libvirt-failed`, the signal's reason. */
  static async open({
    uri,
    uuid,
    onEvent,
    onStop,
    signal,
  }: DomainConnectionOptions): Promise<DomainConnection> {
    const watches: VirshWatch[] = [];
    const shell = new VirshShell(uri);
    try {
      if (onEvent !== undefined) {
        const qemuEvents = (line: string): void => {
          const event = parseQemuEvent(line);
          if (event !== undefined) onEvent(event);
        };
        const lifecycle = (line: string): void => {
          if (isStop(line)) onStop?.();
        };
        const events = `event --domain ${uuid} --event lifecycle --loop`;
        watches.push(await VirshWatch.start(uri, events, lifecycle, signal));
        const monitorEvents = `qemu-monitor-event --domain ${uuid} --loop`;
        watches.push(await VirshWatch.start(uri, monitorEvents, qemuEvents, signal));
      }
      return new DomainConnection(uuid, shell, watches);
    } catch (thrown) {
      shell.close();
      for (const watch of watches) watch.close();
      throw thrown;
    }
  }

  /**
   * What QEMU answers, parsed as JSON and not checked.
   * @throws `libvirt-failed` if libvirt does not pass the command on
   */
  async monitor(command: Readonly<Record<string, unknown>>): Promise<unknown> {
    const text = await this.#shell.run(monitorCommand(this.#uuid, command));
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new PageferryError('libvirt-failed', 'libvirt passed on an answer of QEMU that is no JSON', {
        cause,
      });
    }
  }

  /** The number of the domain's run, which tells a QEMU from the domain's next one; undefined if it does not run. */
  async runNumber(): Promise<number | undefined> {
    const number = Number.parseInt(await this.#shell.run(`domid ${this.#uuid}`), 10);
    return Number.isNaN(number) ? undefined : number;
  }

  /** Ends the domain's QEMU; the domain is shut off when this resolves. Error: `libvirt-failed`. */
  async destroy(): Promise<void> {
    await this.#shell.run(`destroy ${this.#uuid}`);
  }

  close(reason?: PageferryError): void {
    this.#shell.close(reason);
    for (const watch of this.#watches) watch.close(reason);
  }
}
