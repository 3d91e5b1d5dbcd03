import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fieldsOf } from '../environment/values.js';

/** Something behind a QMP socket that is not a QEMU, or not one that pageferry can use. */
export class FakeQmpServer {
  readonly #stop: () => Promise<void>;

  private constructor(stop: () => Promise<void>) {
    this.#stop = stop;
  }

  /** Listens at a path that nothing must be at. */
  static async listen(path: string, onConnection: (socket: Socket) => void): Promise<FakeQmpServer> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
      onConnection(socket);
    });
    server.listen(path);
    await once(server, 'listening');
    return new FakeQmpServer(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    });
  }

  async close(): Promise<void> {
    await this.#stop();
  }
}

/** Greets as QEMU of this version, takes `qmp_capabilities`, and answers every other command with `answer`. */
export function speakQmp(version: string, answer: (socket: Socket) => void): (socket: Socket) => void {
  const [major, minor, micro] = version.split('.').map(Number);
  return (socket) => {
    const greeting = { version: { qemu: { major, minor, micro }, package: '' }, capabilities: ['oob'] };
    socket.write(`${JSON.stringify({ QMP: greeting })}\r\n`);
    const lines = createInterface({ input: socket });
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      const { execute, id } = fieldsOf(JSON.parse(line));
      if (execute === 'qmp_capabilities') socket.write(`${JSON.stringify({ return: {}, id })}\r\n`);
      else answer(socket);
    });
  };
}
