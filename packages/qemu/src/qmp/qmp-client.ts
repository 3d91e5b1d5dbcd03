import { asPageferryError, PageferryError } from '@pageferry/errors';
import type { Static, TSchema } from '@sinclair/typebox';
import type { Socket } from 'node:net';
import { checkAnswer } from './check-answer.js';
import { connectSocket } from './connect-socket.js';
import { LineSplitter } from './line-splitter.js';
import { parseQmpMessage, type QmpEvent, type QmpGreeting, type QmpMessage } from './qmp-message.js';
import { Waiters, type Waiter } from './waiters.js';

const MAX_LINE_LENGTH = 16 << 20;

export interface QmpOptions {
  /** Gives up waiting; a command that was sent is carried out all the same. */
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

export interface QmpConnectOptions extends QmpOptions {
  /** Asks for {@link QmpClient.executeOutOfBand}. */
  readonly outOfBand?: boolean | undefined;
}

export interface QmpEventOptions extends QmpOptions {
  /** Which of the events of this name is meant; any, unless given. */
  readonly where?: ((data: Readonly<Record<string, unknown>>) => boolean) | undefined;
}

/** Called for every event. It must not throw. */
export type QmpEventListener = (
  name: string,
  data: Readonly<Record<string, unknown>>,
  timestamp: QmpEvent['timestamp'],
) => void;

/**
 * A connection to QEMU's monitor (docs/interop/qmp-spec.rst).
 *
 * Every method rejects with a `PageferryError`: `qmp-command` for what QEMU refuses, `qmp-timeout`,
 * `qmp-closed` once the connection is gone, `qmp-protocol` if it broke the protocol, `cancelled`.
 */
export class QmpClient {
  readonly #socket: Socket;
  readonly #path: string;
  readonly #lines = new LineSplitter(MAX_LINE_LENGTH);
  readonly #waiters = new Waiters();
  readonly #commands = new Map<number, Waiter<unknown> & { readonly command: string }>();
  readonly #listeners = new Set<QmpEventListener>();
  #greeting: QmpGreeting | undefined;
  #greetingWaiter: Waiter<QmpGreeting> | undefined;
  #nextId = 1;
  #outOfBand = false;
  #closeReason: PageferryError | undefined;

  /** Resolves, and never rejects, when the connection has ended, whoever ended it; with the reason. */
  readonly closed: Promise<PageferryError>;

  /**
   * Connects, reads the greeting and enters command mode.
   * @param options.timeoutMs for all of it together, 5 s unless given
   * @throws `qmp-unreachable` if nothing listens there, `qmp-timeout` without a greeting, `qmp-protocol` if
   *   something other than QMP answers
   */
  static async connect(
    socketPath: string,
    { signal, timeoutMs = 5_000, outOfBand = false }: QmpConnectOptions = {},
  ): Promise<QmpClient> {
    const deadline = performance.now() + timeoutMs;
    const client = new QmpClient(await connectSocket(socketPath, { signal, timeoutMs }), socketPath);
    const rest = (): number => Math.max(1, Math.ceil(deadline - performance.now()));
    try {
      await client.#receiveGreeting({ signal, timeoutMs: rest() });
      client.#outOfBand = outOfBand && client.greeting.capabilities.includes('oob');
      const enable = client.#outOfBand ? { enable: ['oob'] } : undefined;
      await client.execute('qmp_capabilities', enable, { signal, timeoutMs: rest() });
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  private constructor(socket: Socket, path: string) {
    this.#socket = socket;
    this.#path = path;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#end(new PageferryError('qmp-closed', `QEMU closed the QMP connection ${path}`));
        resolve(this.#closeReason ?? new PageferryError('qmp-closed', 'closed'));
      });
    });
    // The 'close' that follows an error ends the connection; the error only says why.
    socket.once('error', (cause) => {
      this.#end(
        new PageferryError('qmp-closed', `the QMP connection ${path} broke: ${cause.message}`, { cause }),
      );
    });
    socket.on('data', (chunk: Buffer) => {
      this.#receive(chunk);
    });
  }

  /** What QEMU said of itself at the beginning. */
  get greeting(): QmpGreeting {
    if (this.#greeting === undefined) throw new Error('unreachable: connect() waits for the greeting');
    return this.#greeting;
  }

  /** @returns what QEMU answered, unchecked: see {@link executeAs} */
  async execute(
    command: string,
    args?: Readonly<Record<string, unknown>>,
    options?: QmpOptions,
  ): Promise<unknown> {
    return this.#send(command, { execute: command, arguments: args }, options);
  }

  /**
   * Like {@link execute}, at once and in QEMU's monitor thread, for the few commands that allow it: also while QEMU's main
   * loop waits for something. Without it, on a connection that did not ask for it or to a QEMU that does not offer it, the
   * command waits its turn.
   */
  async executeOutOfBand(
    command: string,
    args?: Readonly<Record<string, unknown>>,
    options?: QmpOptions,
  ): Promise<unknown> {
    return this.#send(
      command,
      { [this.#outOfBand ? 'exec-oob' : 'execute']: command, arguments: args },
      options,
    );
  }

  /** Like {@link execute}, with the answer checked. @throws `qemu-unexpected` if it does not fit the schema */
  async executeAs<T extends TSchema>(
    schema: T,
    command: string,
    args?: Readonly<Record<string, unknown>>,
    options?: QmpOptions,
  ): Promise<Static<T>> {
    return checkAnswer(schema, command, await this.execute(command, args, options));
  }

  /** @returns what ends the subscription; the end of the connection does so too */
  onEvent(listener: QmpEventListener): () => void {
    // Subscribed twice, called twice.
    const subscription: QmpEventListener = (...event) => {
      listener(...event);
    };
    if (this.#closeReason === undefined) this.#listeners.add(subscription);
    return () => {
      this.#listeners.delete(subscription);
    };
  }

  /**
   * Waits for the next event of this name: call it before the command that causes the event.
   * @param options.timeoutMs 10 s unless given
   * @returns the event's data
   */
  waitForEvent(
    name: string,
    { signal, timeoutMs = 10_000, where = () => true }: QmpEventOptions = {},
  ): Promise<Readonly<Record<string, unknown>>> {
    const event = this.#waiters.wait<Readonly<Record<string, unknown>>>(
      `the event ${name}`,
      { signal, timeoutMs },
      ({ resolve, reject }) =>
        this.onEvent((received, data) => {
          try {
            if (received === name && where(data)) resolve(data);
          } catch (error) {
            reject(asPageferryError(error));
          }
        }),
    );
    // Who waits sends a command first; if that fails, nobody looks at this promise any more.
    event.catch(() => undefined);
    return event;
  }

  /**
   * Has a child process inherit the connection: `spawn` gives the socket to it as one of its files. QEMU's end stays
   * connected until both have closed it, and the child must not read or write as long as this client does.
   */
  inherit<T>(spawn: (socket: Socket) => T): T {
    try {
      return spawn(this.#socket);
    } finally {
      // Node stops reading what a child inherits.
      this.#socket.resume();
    }
  }

  /** Ends the connection at once; what still waits is rejected with `qmp-closed`. */
  close(): void {
    this.#end(new PageferryError('qmp-closed', `the QMP connection ${this.#path} was closed`));
  }

  async #send(
    command: string,
    request: object,
    { signal, timeoutMs = 10_000 }: QmpOptions = {},
  ): Promise<unknown> {
    const id = this.#nextId++;
    const message = JSON.stringify({ ...request, id });
    return this.#waiters.wait<unknown>(command, { signal, timeoutMs }, (waiter) => {
      this.#commands.set(id, { ...waiter, command });
      this.#socket.write(`${message}\n`);
      return () => this.#commands.delete(id);
    });
  }

  async #receiveGreeting(options: { signal: AbortSignal | undefined; timeoutMs: number }): Promise<void> {
    try {
      this.#greeting = await this.#waiters.wait<QmpGreeting>('the greeting', options, (waiter) => {
        this.#greetingWaiter = waiter;
        return () => {
          this.#greetingWaiter = undefined;
        };
      });
    } catch (error) {
      if (!(error instanceof PageferryError) || error.code !== 'qmp-timeout') throw error;
      if (this.#lines.pendingLength > 0) {
        throw new PageferryError(
          'qmp-protocol',
          `${this.#path} sent ${this.#lines.pendingLength} bytes that are no QMP greeting`,
        );
      }
      throw new PageferryError(
        'qmp-timeout',
        `${this.#path} accepted the connection but sent no QMP greeting within ${options.timeoutMs} ms; a QMP socket ` +
          'serves one client at a time: is another one connected (libvirt, a shell)? Give pageferry a -qmp of its own',
      );
    }
  }

  #receive(chunk: Buffer): void {
    try {
      for (const line of this.#lines.push(chunk)) {
        if (this.#closeReason !== undefined) return;
        this.#handle(parseQmpMessage(line));
      }
    } catch (error) {
      const { message } = asPageferryError(error);
      this.#end(new PageferryError('qmp-protocol', `${this.#path}: ${message}`, { cause: error }));
    }
  }

  #handle(message: QmpMessage): void {
    switch (message.kind) {
      case 'greeting':
        if (this.#greetingWaiter === undefined) throw new Error('a second greeting');
        this.#greetingWaiter.resolve(message.greeting);
        return;
      case 'event': {
        const { event, data = {}, timestamp } = message.event;
        for (const listener of [...this.#listeners]) listener(event, data, timestamp);
        return;
      }
      case 'return':
        this.#commandOf(message.id)?.resolve(message.value);
        return;
      case 'failure': {
        const text = `${message.desc} (${message.class})`;
        if (message.id === undefined) throw new Error(`QEMU did not understand a command: ${text}`);
        const command = this.#commandOf(message.id);
        command?.reject(new PageferryError('qmp-command', `${command.command}: ${text}`));
      }
    }
  }

  /** The command that still waits for this answer, if one does: who waited may have given up. */
  #commandOf(id: number): (Waiter<unknown> & { readonly command: string }) | undefined {
    if (id < 1 || id >= this.#nextId) throw new Error(`an answer to a command ${id} that was never sent`);
    return this.#commands.get(id);
  }

  #end(reason: PageferryError): void {
    this.#closeReason ??= reason;
    this.#listeners.clear();
    this.#waiters.close(this.#closeReason);
    this.#socket.destroy();
  }
}
