import { EventEmitter } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { eventually } from '../environment/deadline.js';
import { PendingAnswers } from '../environment/pending-answers.js';
import { fieldsOf, numberOf, stringOf, type Fields } from '../environment/values.js';

const connectDeadlineMs = 10_000;
const answerDeadlineMs = 30_000;

async function connect(path: string): Promise<Socket> {
  return eventually(
    () =>
      new Promise<Socket | undefined>((resolve) => {
        const socket = createConnection(path, () => {
          resolve(socket);
        });
        socket.once('error', () => {
          resolve(undefined);
        });
      }),
    connectDeadlineMs,
    `QMP socket ${path}`,
  );
}

/** An event as QEMU reports it. */
export interface QmpEvent {
  readonly name: string;
  /** When it happened, in milliseconds of the host's wall clock: comparable between the QEMUs of one host. */
  readonly time: number;
  readonly data: unknown;
}

function eventOf(message: Fields): QmpEvent {
  const timestamp = fieldsOf(message['timestamp']);
  const time = numberOf(timestamp, 'seconds') * 1e3 + numberOf(timestamp, 'microseconds') / 1e3;
  return { name: stringOf(message, 'event'), time, data: message['data'] };
}

/**
 * The tests' own QMP client, small on purpose and independent of the one under test: what tests find out about a
 * guest must not go through the code that they judge.
 */
export class Monitor extends EventEmitter<{ event: [event: QmpEvent] }> {
  readonly #socket: Socket;
  readonly #answers = new PendingAnswers<Fields>();
  #requests = 0;

  private constructor(socket: Socket) {
    super();
    this.#socket = socket;
    const lines = createInterface({ input: socket });
    // A QEMU that is gone shows in its exit status and in unanswered commands. The lines repeat the socket's errors.
    for (const end of [socket, lines]) end.on('error', () => undefined);
    lines.on('line', (line) => {
      const message = fieldsOf(JSON.parse(line));
      if (typeof message['event'] === 'string') this.emit('event', eventOf(message));
      else if (typeof message['id'] === 'string') this.#answers.deliver(message['id'], message);
    });
  }

  /** Connects to a socket that may still have to appear. */
  static async connect(path: string): Promise<Monitor> {
    const monitor = new Monitor(await connect(path));
    await monitor.execute('qmp_capabilities');
    return monitor;
  }

  /** What the command returns; an error that QEMU answers is thrown with QEMU's text. */
  async execute(command: string, args: Fields = {}, timeoutMs = answerDeadlineMs): Promise<unknown> {
    const id = String(++this.#requests);
    const send = (): void => {
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    };
    const fields = await this.#answers.request(id, send, timeoutMs, `QMP ${command}`);
    if (fields['error'] !== undefined) throw new Error(`QMP ${command}: ${JSON.stringify(fields['error'])}`);
    return fields['return'];
  }

  /** What a command of the human monitor prints. */
  async human(commandLine: string): Promise<string> {
    return String(await this.execute('human-monitor-command', { 'command-line': commandLine }));
  }

  /** The time of the next event of this name; see {@link QmpEvent}. */
  timeOf(name: string): Promise<number> {
    return new Promise((resolve) => {
      const listen = (event: QmpEvent): void => {
        if (event.name !== name) return;
        this.off('event', listen);
        resolve(event.time);
      };
      this.on('event', listen);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
