import { PageferryError, asPageferryError } from '@pageferry/errors';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { LineSplitter } from '../qmp/line-splitter.js';
import type { DomainEvent } from './domain-events.js';
import type { DomainMonitor } from './domain-monitor.js';

const MAX_LINE_LENGTH = 1 << 20;
const PRIVATE = 0o600;

const Version = Type.Object({
  qemu: Type.Object({ major: Type.Integer(), minor: Type.Integer(), micro: Type.Integer() }),
  package: Type.String(),
});
const Command = Type.Object({
  execute: Type.String(),
  arguments: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  id: Type.Integer(),
});

/**
 * Speaks QMP, for one client, on behalf of a QEMU whose own monitor is libvirt's: the commands are passed on, the answers and
 * events come back as QEMU has put them. It ends with its client, or with QEMU.
 */
export class MonitorBridge {
  readonly #monitor: DomainMonitor;
  readonly #server: Server;
  readonly #lines = new LineSplitter(MAX_LINE_LENGTH);
  #client: Socket | undefined;

  private constructor(monitor: DomainMonitor, greeting: string) {
    this.#monitor = monitor;
    this.#server = createServer((socket) => {
      this.#server.close();
      this.#serve(socket, greeting);
    });
    this.#server.maxConnections = 1;
    void monitor.ended.then(() => this.#client?.end());
  }

  /**
   * Waits for its client on a socket that only this user may open, and that is to be removed once the client is connected.
   * @throws `libvirt-failed`, or what keeps the socket from being made
   */
  static async listen(monitor: DomainMonitor, path: string): Promise<MonitorBridge> {
    const answer = await monitor.execute('query-version', undefined);
    const version = 'return' in answer ? answer.return : undefined;
    if (!Value.Check(Version, version)) {
      throw new PageferryError(
        'qmp-protocol',
        'what libvirt passes on does not speak QMP: it has no version',
      );
    }
    const greeting = JSON.stringify({ QMP: { version, capabilities: [] } });
    const bridge = new MonitorBridge(monitor, greeting);
    await rm(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      bridge.#server.once('error', reject);
      bridge.#server.listen(path, resolve);
    });
    await chmod(path, PRIVATE);
    return bridge;
  }

  /** An event of QEMU, for its client. */
  tell(event: DomainEvent): void {
    this.#send(event);
  }

  close(): void {
    this.#server.close();
    this.#client?.destroy();
    this.#monitor.close();
  }

  #serve(socket: Socket, greeting: string): void {
    this.#client = socket;
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#monitor.close();
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const line of this.#lines.push(chunk)) void this.#answer(line);
      } catch {
        socket.destroy();
      }
    });
    socket.write(`${greeting}\r\n`);
  }

  async #answer(line: Uint8Array): Promise<void> {
    const command = parse(line);
    if (command === undefined) {
      this.#client?.destroy();
      return;
    }
    const { id, execute } = command;
    try {
      const answer =
        execute === 'qmp_capabilities'
          ? { return: {} }
          : await this.#monitor.execute(execute, command.arguments);
      this.#send({ ...answer, id });
    } catch (thrown) {
      const error = asPageferryError(thrown);
      // With QEMU gone, so is this connection.
      if (error.code === 'qmp-closed') return;
      this.#send({ error: { class: 'GenericError', desc: `by way of libvirt: ${error.message}` }, id });
    }
  }

  #send(message: object): void {
    if (this.#client?.writable === true) this.#client.write(`${JSON.stringify(message)}\r\n`);
  }
}

function parse(line: Uint8Array): typeof Command.static | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(line).toString('utf8'));
    return Value.Check(Command, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
