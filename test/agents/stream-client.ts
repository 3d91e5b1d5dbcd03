import { once } from 'node:events';
import { decodeControl, encodeControl, STREAM_PATH, SUBPROTOCOL, type ControlMessage } from '@pageferry/wire';
import { WebSocket } from 'ws';
import { eventually, withDeadline } from '../environment/deadline.js';
import type { DestinationAgent } from './destination-agent.js';

export interface StreamEnd {
  /** WebSocket status. */
  readonly code: number;
  readonly reason: string;
}

const answerDeadlineMs = 10_000;

/** What a source agent has, without its manners: a connection to a destination agent that sends anything. */
export class StreamClient {
  readonly #socket: WebSocket;
  readonly #messages: ControlMessage[] = [];
  readonly #ended: Promise<StreamEnd>;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      if (Buffer.isBuffer(data) && data[0] === 1) this.#messages.push(decodeControl(data));
    });
    socket.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  static async open(agent: DestinationAgent): Promise<StreamClient> {
    const { host } = agent;
    const connection = await host.connect(Number(new URL(agent.url).port), host.address);
    const socket = new WebSocket(new URL(STREAM_PATH, agent.url), SUBPROTOCOL, {
      createConnection: () => connection,
      perMessageDeflate: false,
    });
    const client = new StreamClient(socket);
    await once(socket, 'open', { signal: AbortSignal.timeout(answerDeadlineMs) });
    return client;
  }

  /** Text goes as text. */
  send(data: Buffer | string): void {
    this.#socket.send(data);
  }

  sendControl(message: ControlMessage): void {
    this.send(encodeControl(message));
  }

  /** The next control message. */
  async next(): Promise<ControlMessage> {
    return eventually(() => this.#messages.shift(), answerDeadlineMs, "the destination agent's answer");
  }

  /** The control messages that nobody has asked for, once the agent has ended the connection. */
  async rest(): Promise<{ readonly end: StreamEnd; readonly messages: readonly ControlMessage[] }> {
    const end = await withDeadline(this.#ended, answerDeadlineMs, 'the end of the connection');
    return { end, messages: this.#messages };
  }

  /** Ends the connection without a word. */
  terminate(): void {
    this.#socket.terminate();
  }
}
