import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { LineSplitter } from '../line-splitter.js';

/** Of QEMU's answers; as `QmpClient` takes them. */
const MAX_ANSWER_BYTES = 16 << 20;
const MAX_COMMAND_BYTES = 1 << 20;
/**
 * Commands that wait for QEMU's main loop, of all users together: QEMU reads no more once it holds 8 (monitor/qmp.c,
 * `QMP_REQ_QUEUE_LEN_MAX`), not even those that would get it out of its wait.
 */
const MAX_WAITING = 4;

/** Most users that may wait until another one is gone. */
const MAX_NEXT_USERS = 4;

/** Has the relay end; answered like a command of QEMU's. */
export const RELEASE_COMMAND = 'pageferry-release';

type Fields = Readonly<Record<string, unknown>>;

/** A user, and QEMU's answers that are its own. */
interface User {
  readonly number: number;
  readonly socket: Socket;
}

/**
 * Lends a QMP connection that is past its negotiation to one user after the other, at a unix socket of its own. Each
 * sees a greeting, negotiates, and gets the answers to its own commands, and all events.
 */
export class MonitorRelay {
  readonly #server: Server;
  readonly #greeting: string;
  readonly #idleLimitMs: number;
  #qemu: Socket | undefined;
  #user: User | undefined;
  #users = 0;
  /** A user that is gone may be noticed only after the next one has come. */
  readonly #nextUsers: Socket[] = [];
  /** Ids, as QEMU has them, of commands for its main loop that it has not answered. */
  readonly #waiting = new Set<string>();
  #idleTimer: NodeJS.Timeout | undefined;
  #end: () => void = () => undefined;
  /** Resolves when QEMU is gone, a user has released the connection, or nobody has used it for too long. */
  readonly ended: Promise<void>;

  private constructor(greeting: string, idleLimitMs: number) {
    this.#greeting = greeting;
    this.#idleLimitMs = idleLimitMs;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#server = createServer((socket) => {
      this.#admit(socket);
    });
  }

  /**
   * @param greeting what QEMU said first, one line of JSON
   * @param idleLimitMs how long it waits for a user
   */
  static async listen(path: string, greeting: string, idleLimitMs: number): Promise<MonitorRelay> {
    const relay = new MonitorRelay(greeting, idleLimitMs);
    relay.#server.listen(path);
    await once(relay.#server, 'listening');
    return relay;
  }

  /** From now on the connection is the relay's to read and write; until then every user is turned away. */
  takeOver(qemu: Socket): void {
    this.#qemu = qemu;
    const lines = new LineSplitter(MAX_ANSWER_BYTES);
    qemu.on('data', (chunk: Buffer) => {
      try {
        for (const line of lines.push(chunk)) this.#fromQemu(line);
      } catch {
        this.#end();
      }
    });
    // 'close' follows.
    qemu.on('error', () => undefined);
    qemu.on('close', this.#end);
    this.#serveNext();
  }

  async close(): Promise<void> {
    clearTimeout(this.#idleTimer);
    this.#qemu?.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    // With its answer delivered, if it takes it.
    this.#user?.socket.destroySoon();
    for (const socket of this.#nextUsers) socket.destroy();
    await closed;
  }

  #admit(socket: Socket): void {
    socket.on('error', () => undefined);
    if (this.#qemu === undefined || this.#nextUsers.length === MAX_NEXT_USERS) {
      socket.destroy();
      return;
    }
    this.#nextUsers.push(socket);
    if (this.#user === undefined) this.#serveNext();
  }

  #serveNext(): void {
    clearTimeout(this.#idleTimer);
    const socket = this.#nextUsers.shift();
    if (socket === undefined) {
      this.#idleTimer = setTimeout(this.#end, this.#idleLimitMs).unref();
      return;
    }
    const user = { number: ++this.#users, socket };
    this.#user = user;
    const lines = new LineSplitter(MAX_COMMAND_BYTES);
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const line of lines.push(chunk)) this.#fromUser(user, line);
      } catch {
        socket.destroy();
      }
    });
    socket.on('close', () => {
      this.#user = undefined;
      this.#serveNext();
    });
    this.#write(user.socket, this.#greeting);
  }

  #fromUser({ number, socket }: User, line: Uint8Array): void {
    const command = fieldsOf(line);
    if (typeof command?.['id'] !== 'number') throw new TypeError('not a command');
    const { id } = command;
    const name = command['execute'];
    if (name === 'qmp_capabilities' || name === RELEASE_COMMAND) {
      this.#write(socket, JSON.stringify({ return: {}, id }));
      if (name === RELEASE_COMMAND) this.#end();
      return;
    }
    const ownId = `${number}:${id}`;
    if (name !== undefined) {
      if (this.#waiting.size === MAX_WAITING) {
        const desc = `QEMU has not answered ${MAX_WAITING} commands yet`;
        this.#write(socket, JSON.stringify({ error: { class: 'GenericError', desc }, id }));
        return;
      }
      this.#waiting.add(ownId);
    }
    if (this.#qemu !== undefined) this.#write(this.#qemu, JSON.stringify({ ...command, id: ownId }));
  }

  #fromQemu(line: Uint8Array): void {
    const message = fieldsOf(line);
    // The rest of a line whose beginning the earlier owner of the connection has read.
    if (message === undefined) return;
    const user = this.#user;
    const id = message['id'];
    if (typeof id !== 'string') {
      if (message['event'] !== undefined && user !== undefined) this.#write(user.socket, line);
      return;
    }
    this.#waiting.delete(id);
    const [number, own] = id.split(':').map(Number);
    // What an earlier user has asked is nobody's any more.
    if (user !== undefined && user.number === number)
      this.#write(user.socket, JSON.stringify({ ...message, id: own }));
  }

  #write(socket: Socket, line: string | Uint8Array): void {
    // Whoever does not read is no user.
    if (socket.writableLength > MAX_ANSWER_BYTES) {
      socket.destroy();
      return;
    }
    socket.write(line);
    socket.write('\r\n');
  }
}

/** Undefined for what is no object. */
function fieldsOf(line: Uint8Array): Fields | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(line).toString());
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
