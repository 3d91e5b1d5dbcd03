import { PageferryError, asPageferryError } from '@pageferry/errors';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DomainConnection } from './domain-connection.js';
import type { DomainEvent } from './domain-events.js';

export interface DomainMonitorOptions {
  readonly uri: string;
  readonly uuid: string;
  /** Without it events are not listened to, and an end of QEMU shows in the next command. */
  readonly onEvent?: ((event: DomainEvent) => void) | undefined;
}

const Answer = Type.Object({
  return: Type.Optional(Type.Unknown()),
  error: Type.Optional(Type.Object({ class: Type.String(), desc: Type.String() })),
});

/** What QEMU said: as it would on a QMP connection, but for the number of the command. */
export type MonitorAnswer = { readonly return: unknown } | { readonly error: object };

/**
 * The monitor of one run of a domain, which outlives a restart of libvirt: the command that meets it, or is the first to
 * come after it, is refused, because events may have been missed; the next ones go through when libvirt is back.
 */
export class DomainMonitor {
  readonly #options: DomainMonitorOptions;
  /** Of the QEMU that this is about; a later one of the same domain has another. */
  #runNumber: number | undefined;
  #connection: DomainConnection | undefined;
  #reopening: Promise<void> | undefined;
  #missed: PageferryError | undefined;
  #endReason: PageferryError | undefined;
  #end: (reason: PageferryError) => void = () => undefined;

  /** Resolves, and never rejects, when this QEMU has ended or {@link close} was called; with the reason. */
  readonly ended = new Promise<PageferryError>((resolve) => {
    this.#end = resolve;
  });

  private constructor(options: DomainMonitorOptions) {
    this.#options = options;
  }

  /** Errors: `guest-state` if the domain does not run, `libvirt-failed`, the signal's reason. */
  static async open(options: DomainMonitorOptions, signal?: AbortSignal): Promise<DomainMonitor> {
    const monitor = new DomainMonitor(options);
    try {
      await monitor.#reopen(signal);
      if (monitor.#runNumber !== undefined) return monitor;
      throw new PageferryError('guest-state', 'the libvirt domain is shut off: there is no guest to migrate');
    } catch (thrown) {
      monitor.close();
      throw thrown;
    }
  }

  /**
   * QEMU's answer, be it an error.
   * @throws `qmp-closed` once this QEMU has ended; `libvirt-failed` if libvirt does not pass the command on
   */
  async execute(
    command: string,
    args: Readonly<Record<string, unknown>> | undefined,
  ): Promise<MonitorAnswer> {
    const connection = await this.#connected();
    try {
      if (command === 'quit') {
        // Of a QEMU that quits by itself libvirt would say that it crashed.
        await connection.destroy();
        return { return: {} };
      }
      const answer = await connection.monitor({ execute: command, ...(args && { arguments: args }) });
      if (Value.Check(Answer, answer)) {
        return answer.error === undefined ? { return: answer.return } : { error: answer.error };
      }
      throw new PageferryError('libvirt-failed', 'libvirt passed on what is no answer of QEMU');
    } catch (thrown) {
      await this.#noticeEnd(connection);
      throw thrown;
    }
  }

  close(): void {
    this.#finish(new PageferryError('qmp-closed', "the connection to the domain's monitor was closed"));
  }

  /** A connection over which nothing was missed. */
  async #connected(): Promise<DomainConnection> {
    this.#refuseEnded();
    this.#reopening ??= this.#connection === undefined ? this.#reopen() : undefined;
    await this.#reopening;
    this.#refuseEnded();
    const missed = this.#missed;
    this.#missed = undefined;
    if (missed !== undefined) throw missed;
    if (this.#connection === undefined) throw new PageferryError('libvirt-failed', 'libvirt is away');
    return this.#connection;
  }

  async #reopen(signal?: AbortSignal): Promise<void> {
    const onStop = (): void => {
      this.#finish();
    };
    try {
      const connection = await DomainConnection.open({ ...this.#options, onStop, signal });
      this.#connection = connection;
      void connection.closed.then((reason) => {
        this.#missed = reason;
        if (this.#connection === connection) this.#connection = undefined;
      });
      if (this.#endReason !== undefined) connection.close(this.#endReason);
      else if (this.#runNumber === undefined) this.#runNumber = await connection.runNumber();
      else await this.#noticeEnd(connection);
    } finally {
      this.#reopening = undefined;
    }
  }

  /** Finds out whether a command has failed because there is no QEMU any more. */
  async #noticeEnd(connection: DomainConnection): Promise<void> {
    try {
      if ((await connection.runNumber()) !== this.#runNumber) this.#finish();
    } catch (thrown) {
      // Without libvirt it is not known.
      if (asPageferryError(thrown).code !== 'libvirt-failed') throw thrown;
    }
  }

  #refuseEnded(): void {
    if (this.#endReason !== undefined) throw this.#endReason;
  }

  #finish(reason = new PageferryError('qmp-closed', "the domain's QEMU has ended")): void {
    this.#endReason ??= reason;
    this.#end(this.#endReason);
    this.#connection?.close(this.#endReason);
  }
}
