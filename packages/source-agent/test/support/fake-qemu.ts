import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { onTestFinished } from 'vitest';

const Command = Type.Object({ execute: Type.String(), id: Type.Integer() });
const GREETING = {
  QMP: { version: { qemu: { major: 10, minor: 0, micro: 2 }, package: '' }, capabilities: [] },
};
/** What QEMU says to `cont` while another process has the disk images. */
const LOCKED = { class: 'GenericError', desc: 'Failed to get "write" lock' };

export interface FakeQemuOptions {
  readonly running?: boolean;
  /** How many times `cont` is refused first. */
  readonly refusals?: number;
  /** Takes connections, but says nothing. */
  readonly silent?: boolean;
}

/** A QEMU whose monitor knows whether its guest runs. Its process is the one of the test. */
export class FakeQemu {
  readonly commands: string[] = [];
  running: boolean;
  /** Takes connections, but says nothing. */
  silent: boolean;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #refusals: number;

  private constructor({ running = false, refusals = 0, silent = false }: FakeQemuOptions) {
    this.running = running;
    this.#refusals = refusals;
    this.silent = silent;
    this.#server = createServer((socket) => {
      this.#serve(socket);
    });
  }

  /** @param path of its QMP socket, which must not be there */
  static async listen(path: string, options: FakeQemuOptions = {}): Promise<FakeQemu> {
    const qemu = new FakeQemu(options);
    qemu.#server.listen(path);
    await once(qemu.#server, 'listening');
    onTestFinished(() => {
      qemu.kill();
    });
    return qemu;
  }

  kill(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    if (this.silent) return;
    const say = (message: object): void => {
      socket.write(`${JSON.stringify(message)}\r\n`);
    };
    say(GREETING);
    createInterface({ input: socket }).on('line', (line) => {
      const { execute, id } = Value.Parse(Command, JSON.parse(line));
      if (execute !== 'qmp_capabilities') this.commands.push(execute);
      say({ ...this.#answer(execute), id });
    });
  }

  #answer(command: string): { readonly return: unknown } | { readonly error: unknown } {
    switch (command) {
      case 'query-cpus-fast':
        return { return: [{ 'thread-id': process.pid }] };
      case 'query-status':
        return { return: { status: this.running ? 'running' : 'postmigrate', running: this.running } };
      case 'cont':
        if (this.#refusals-- > 0) return { error: LOCKED };
        this.running = true;
        return { return: {} };
      default:
        return { return: {} };
    }
  }
}
