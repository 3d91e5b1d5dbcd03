import { Type, type Static } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const GREETING =
  '{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": "fake"}, "capabilities": ["oob"]}}\r\n';

const CommandSchema = Type.Object({
  execute: Type.String(),
  arguments: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  id: Type.Integer(),
});

/** What a command looks like to the server. */
export type ReceivedCommand = Static<typeof CommandSchema>;

/** A server on a unix socket that says what a test wants it to say. */
export class FakeQmpServer {
  readonly path: string;
  readonly #stop: () => Promise<void>;

  private constructor(path: string, stop: () => Promise<void>) {
    this.path = path;
    this.#stop = stop;
  }

  static async listen(onConnection: (socket: Socket) => void): Promise<FakeQmpServer> {
    const folder = await mkdtemp(join(tmpdir(), 'pageferry-qmp-'));
    const path = join(folder, 'qmp');
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
      onConnection(socket);
    });
    server.listen(path);
    await once(server, 'listening');
    return new FakeQmpServer(path, async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
      await rm(folder, { recursive: true });
    });
  }

  /** Greets, accepts `qmp_capabilities`, then hands every command to `answer`. */
  static async answering(answer: (command: ReceivedCommand, socket: Socket) => void): Promise<FakeQmpServer> {
    return FakeQmpServer.listen((socket) => {
      socket.write(GREETING);
      onCommand(socket, (command) => {
        if (command.execute === 'qmp_capabilities') socket.write(`{"return": {}, "id": ${command.id}}\r\n`);
        else answer(command, socket);
      });
    });
  }

  async close(): Promise<void> {
    await this.#stop();
  }
}

function onCommand(socket: Socket, listener: (command: ReceivedCommand) => void): void {
  let received = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (received + text).split('\n');
    received = lines.pop() ?? '';
    for (const line of lines) {
      listener(Value.Parse(CommandSchema, JSON.parse(line)));
    }
  });
}
