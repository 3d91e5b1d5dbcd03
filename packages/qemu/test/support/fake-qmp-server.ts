import { Type, type Static } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a QEMU of this version says first. */
const greetingOf = (version: string): string => {
  const [major, minor, micro] = version.split('.');
  return `{"QMP": {"version": {"qemu": {"micro": ${micro}, "minor": ${minor}, "major": ${major}}, "package": "fake"}, "capabilities": ["oob"]}}\r\n`;
};

export const GREETING = greetingOf('10.0.2');

const CommandSchema = Type.Object({
  execute: Type.String(),
  arguments: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  id: Type.Integer(),
});

/** What a command looks like to the server. */
export type ReceivedCommand = Static<typeof CommandSchema>;

type Answer = (command: ReceivedCommand, socket: Socket) => void;

/** Greets as a QEMU of this version, accepts `qmp_capabilities`, then hands every command to `answer`. */
export function speakQmp(answer: Answer, version = '10.0.2'): (socket: Socket) => void {
  return (socket) => {
    socket.write(greetingOf(version));
    onCommand(socket, (command) => {
      if (command.execute === 'qmp_capabilities') socket.write(`{"return": {}, "id": ${command.id}}\r\n`);
      else answer(command, socket);
    });
  };
}

/** A server on a unix socket that says what a test wants it to say. */
export class FakeQmpServer {
  readonly path: string;
  readonly #stop: () => Promise<void>;

  private constructor(path: string, stop: () => Promise<void>) {
    this.path = path;
    this.#stop = stop;
  }

  /** @param at a path that nothing must be at; one in a folder of its own, unless given */
  static async listen(onConnection: (socket: Socket) => void, at?: string): Promise<FakeQmpServer> {
    const folder = await mkdtemp(join(tmpdir(), 'pageferry-qmp-'));
    const path = at ?? join(folder, 'qmp');
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

  /** See {@link speakQmp}. */
  static async answering(answer: Answer): Promise<FakeQmpServer> {
    return FakeQmpServer.listen(speakQmp(answer));
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
