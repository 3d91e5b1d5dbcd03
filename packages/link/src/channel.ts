import { EventEmitter } from 'node:events';
import { toChannel } from '@pageferry/wire';
import { CLOSE_NORMAL } from './connection-errors.js';
import type { MessageSocket } from './message-socket.js';

/** What a channel needs of the connection that it is part of. */
export interface ChannelCarrier {
  send(frame: Buffer, sent: (error?: Error) => void): void;
  /** This side wants no more of the channel. */
  end(channel: number, status: number): void;
}

interface ChannelEvents {
  message: [data: unknown, isBinary: boolean];
  ping: [];
  pong: [];
  error: [cause: Error];
  close: [status: number];
}

/** One of the conversations over a shared connection; to whoever uses it, a WebSocket of its own. */
export class Channel extends EventEmitter<ChannelEvents> implements MessageSocket {
  readonly number: number;
  readonly #carrier: ChannelCarrier;
  #isOpen = true;

  constructor(number: number, carrier: ChannelCarrier) {
    super();
    this.number = number;
    this.#carrier = carrier;
  }

  send(frame: Buffer, _options: unknown, sent: (error?: Error) => void): void {
    if (this.#isOpen) this.#carrier.send(toChannel(frame, this.number), sent);
    else sent(new Error('the channel is closed'));
  }

  /** The shared connection looks itself whether the other side is there. */
  ping(): void {
    if (this.#isOpen) this.emit('pong');
  }

  close(status: number): void {
    if (!this.#isOpen) return;
    this.#carrier.end(this.number, status);
    this.ended(status);
  }

  terminate(): void {
    this.close(CLOSE_NORMAL);
  }

  /** It is over: the other side has closed it, or the connection has ended. */
  ended(status: number): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.emit('close', status);
  }

  /** As {@link ended}, by an error of the connection's. */
  failed(cause: Error): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.emit('error', cause);
  }
}
