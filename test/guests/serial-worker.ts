/**
 * Reads the guests' serial ports in a thread of its own: the time at which a heartbeat arrives must not depend on
 * what the main thread is busy with.
 */
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { monotonicMs } from './heartbeat.js';

export type ToSerialWorker =
  | { readonly kind: 'open'; readonly port: number; readonly path: string }
  | { readonly kind: 'send'; readonly port: number; readonly line: string }
  | { readonly kind: 'heartbeats'; readonly port: number; readonly request: number }
  | { readonly kind: 'close'; readonly port: number };

export type FromSerialWorker =
  | { readonly kind: 'opened'; readonly port: number }
  | { readonly kind: 'line'; readonly port: number; readonly line: string }
  | {
      readonly kind: 'heartbeats';
      readonly port: number;
      readonly request: number;
      readonly times: Float64Array;
      readonly writers: Uint8Array;
    };

const connectAttempts = 500;
const connectIntervalMs = 10;

function post(message: FromSerialWorker): void {
  parentPort?.postMessage(message);
}

class Port {
  #socket: Socket | undefined;
  #line = '';
  #closed = false;
  readonly #times: number[] = [];
  readonly #writers: number[] = [];

  constructor(
    readonly number: number,
    readonly path: string,
  ) {}

  async open(): Promise<void> {
    for (let attempt = 1; !this.#closed; attempt++) {
      try {
        await this.#connect();
        post({ kind: 'opened', port: this.number });
        return;
      } catch {
        // Not there yet; whoever waits for the port has a deadline.
        if (attempt === connectAttempts) return;
        await sleep(connectIntervalMs);
      }
    }
  }

  send(line: string): void {
    this.#socket?.write(`${line}\n`);
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  reportHeartbeats(request: number): void {
    const times = Float64Array.from(this.#times);
    post({ kind: 'heartbeats', port: this.number, request, times, writers: Uint8Array.from(this.#writers) });
  }

  #connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(this.path, () => {
        this.#socket = socket;
        resolve();
      });
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        this.#receive(chunk, monotonicMs());
      });
    });
  }

  #receive(chunk: Buffer, time: number): void {
    const seen = new Set<number>();
    for (const byte of chunk) {
      if (byte >= 0x80) seen.add(byte & 0x7f);
      else if (byte === 0x0a) this.#endLine();
      else this.#line += String.fromCharCode(byte);
    }
    for (const writer of seen) {
      this.#times.push(time);
      this.#writers.push(writer);
    }
  }

  #endLine(): void {
    post({ kind: 'line', port: this.number, line: this.#line });
    this.#line = '';
  }
}

const ports = new Map<number, Port>();

parentPort?.on('message', (message: ToSerialWorker) => {
  const port = ports.get(message.port);
  switch (message.kind) {
    case 'open': {
      const opened = new Port(message.port, message.path);
      ports.set(message.port, opened);
      void opened.open();
      break;
    }
    case 'send':
      port?.send(message.line);
      break;
    case 'heartbeats':
      port?.reportHeartbeats(message.request);
      break;
    case 'close':
      port?.close();
      ports.delete(message.port);
      break;
  }
});
