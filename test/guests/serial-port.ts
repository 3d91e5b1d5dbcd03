import { EventEmitter } from 'node:events';
import { Worker } from 'node:worker_threads';
import { withDeadline } from '../environment/deadline.js';
import { compiled } from '../environment/paths.js';
import { PendingAnswers } from '../environment/pending-answers.js';
import type { Heartbeats } from './heartbeat.js';
import type { FromSerialWorker, ToSerialWorker } from './serial-worker.js';

const answerDeadlineMs = 10_000;

const ports = new Map<number, SerialPort>();
let portsOpened = 0;
let shared: Worker | undefined;

function worker(): Worker {
  if (shared === undefined) {
    shared = new Worker(compiled('guests', 'serial-worker.js'));
    shared.on('message', (message: FromSerialWorker) => ports.get(message.port)?.receive(message));
    // Must not keep alive a process that has nothing else to do.
    shared.unref();
  }
  return shared;
}

const post = (message: ToSerialWorker): void => {
  worker().postMessage(message);
};

interface SerialPortEvents {
  opened: [];
  line: [line: string];
}

/** The host's end of a guest's serial port: lines both ways, and the record of the heartbeats in between. */
export class SerialPort extends EventEmitter<SerialPortEvents> {
  readonly #number = ++portsOpened;
  readonly #answers = new PendingAnswers<Heartbeats>();
  #requests = 0;

  private constructor() {
    super();
    ports.set(this.#number, this);
  }

  /** Connects to QEMU's unix socket, which may still have to appear. */
  static async open(path: string): Promise<SerialPort> {
    const port = new SerialPort();
    const opened = new Promise<void>((resolve) => port.once('opened', resolve));
    post({ kind: 'open', port: port.#number, path });
    await withDeadline(opened, answerDeadlineMs, `serial port ${path}`);
    return port;
  }

  send(line: string): void {
    post({ kind: 'send', port: this.#number, line });
  }

  /** All heartbeats since the port was opened. */
  async heartbeats(): Promise<Heartbeats> {
    const request = ++this.#requests;
    const send = (): void => {
      post({ kind: 'heartbeats', port: this.#number, request });
    };
    return this.#answers.request(String(request), send, answerDeadlineMs, 'the record of heartbeats');
  }

  /** Stops listening; what was recorded is gone. */
  close(): void {
    if (ports.delete(this.#number)) post({ kind: 'close', port: this.#number });
  }

  /** @internal */
  receive(message: FromSerialWorker): void {
    switch (message.kind) {
      case 'opened':
        this.emit('opened');
        break;
      case 'line':
        this.emit('line', message.line);
        break;
      case 'heartbeats':
        this.#answers.deliver(String(message.request), { times: message.times, writers: message.writers });
        break;
    }
  }
}
