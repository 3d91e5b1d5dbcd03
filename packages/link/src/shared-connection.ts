import { FrameKind, LAST_CHANNEL, channelEnd, frameKind, fromChannel, toChannel } from '@pageferry/wire';
import { PageferryError, type Host } from '@pageferry/errors';
import { Channel, type ChannelCarrier } from './channel.js';
import {
  CLOSE_NORMAL,
  CLOSE_PROTOCOL_ERROR,
  connectionLost,
  protocolViolation,
} from './connection-errors.js';
import { KeepAlive } from './keep-alive.js';
import type { MessageSocket } from './message-socket.js';

/** Open at once. */
export const MAX_CHANNELS = 64;

export interface SharedConnectionOptions {
  /** Who is at the other end. */
  readonly peer: Host;
  /** The other side has opened a channel; without this it may not. */
  readonly onChannel?: (channel: Channel) => void;
  /** Takes what comes for a channel that this side has closed: it may matter to others. */
  readonly onLateFrame?: (frame: Buffer) => void;
}

/**
 * One connection between the agents that many migrations use: each has a channel of it. What is given to any of the
 * channels arrives in the order in which it was given, whatever the channel.
 */
export class SharedConnection {
  readonly #socket: MessageSocket;
  readonly #peer: Host;
  readonly #onChannel: ((channel: Channel) => void) | undefined;
  readonly #onLateFrame: ((frame: Buffer) => void) | undefined;
  readonly #channels = new Map<number, Channel>();
  readonly #carrier: ChannelCarrier;
  readonly #keepAlive: KeepAlive;
  #newest = 0;
  #isOpen = true;
  #end: () => void = () => undefined;
  /** Resolves, and never rejects, when the connection is over. */
  readonly closed: Promise<void>;

  constructor(socket: MessageSocket, { peer, onChannel, onLateFrame }: SharedConnectionOptions) {
    this.#socket = socket;
    this.#peer = peer;
    this.#onChannel = onChannel;
    this.#onLateFrame = onLateFrame;
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#carrier = {
      send: (frame, sent) => {
        this.#socket.send(frame, { binary: true, compress: false }, sent);
      },
      end: (channel, status) => {
        this.#channels.delete(channel);
        // A connection that is gone has ended all its channels.
        if (!this.#isOpen) return;
        this.#carrier.send(channelEnd(channel, status), () => undefined);
        // What others are sent may rest on what this channel brought.
        if (status === CLOSE_PROTOCOL_ERROR)
          this.#fail(protocolViolation(this.#peer, 'another channel was not understood'));
      },
    };
    this.#keepAlive = new KeepAlive(socket, (silentMs) => {
      this.#finish((channel) => {
        channel.failed(new Error(`nothing came for ${Math.round(silentMs)} ms`));
      });
      socket.terminate();
    });
    socket.on('message', (data, isBinary) => {
      this.#receive(data, isBinary);
    });
    socket.on('error', (cause) => {
      this.#finish((channel) => {
        channel.failed(cause);
      });
    });
    socket.on('close', (status) => {
      this.#finish((channel) => {
        channel.ended(status);
      });
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether {@link open} has a channel to give. */
  get hasRoom(): boolean {
    return this.#isOpen && this.#channels.size < MAX_CHANNELS && this.#newest < LAST_CHANNEL;
  }

  /** Channels that are open. */
  get channelCount(): number {
    return this.#channels.size;
  }

  /** A new channel; the other side learns of it by the first message. */
  open(): Channel {
    if (!this.hasRoom)
      throw new PageferryError('internal', 'the connection has no room for one more channel');
    return this.#add(this.#newest + 1);
  }

  /**
   * Sends a frame of a channel that is closed, to whoever takes late frames there; resolves when its buffer is free again.
   * Error: `peer-lost`.
   */
  async sendLate(channel: Channel, frame: Buffer): Promise<void> {
    if (!this.#isOpen) throw connectionLost(this.#peer, 'it was closed');
    return new Promise((resolve, reject) => {
      this.#carrier.send(toChannel(frame, channel.number), (error) => {
        if (error) reject(connectionLost(this.#peer, error.message, error));
        else resolve();
      });
    });
  }

  /** Ends the connection and its channels, with all that was sent delivered if the peer is there. */
  close(): void {
    this.#socket.close(CLOSE_NORMAL);
    this.#finish((channel) => {
      channel.ended(CLOSE_NORMAL);
    });
  }

  #receive(data: unknown, isBinary: boolean): void {
    if (!this.#isOpen) return;
    try {
      if (!isBinary || !Buffer.isBuffer(data)) throw protocolViolation(this.#peer, 'it sent text');
      const arrived = fromChannel(data);
      const channel = this.#channels.get(arrived.channel) ?? this.#opened(arrived.channel);
      if (channel === undefined) {
        if ('frame' in arrived && frameKind(arrived.frame) !== FrameKind.control)
          this.#onLateFrame?.(arrived.frame);
        return;
      }
      if ('status' in arrived) {
        this.#channels.delete(arrived.channel);
        channel.ended(arrived.status);
      } else {
        channel.emit('message', arrived.frame, true);
      }
    } catch (thrown) {
      this.#fail(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  #fail(cause: Error): void {
    this.#socket.close(CLOSE_PROTOCOL_ERROR, 'protocol-violation');
    this.#finish((channel) => {
      channel.failed(cause);
    });
  }

  /** The channel that the other side opens with this message; undefined for one that there was before. */
  #opened(number: number): Channel | undefined {
    if (number <= this.#newest) return undefined;
    if (this.#onChannel === undefined) throw protocolViolation(this.#peer, 'it opened a channel');
    if (number !== this.#newest + 1 || !this.hasRoom)
      throw protocolViolation(this.#peer, `it opened the channel ${number} out of turn, or too many of them`);
    const channel = this.#add(number);
    this.#onChannel(channel);
    return channel;
  }

  #add(number: number): Channel {
    const channel = new Channel(number, this.#carrier);
    this.#channels.set(number, channel);
    this.#newest = number;
    return channel;
  }

  #finish(tell: (channel: Channel) => void): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#keepAlive.stop();
    const channels = [...this.#channels.values()];
    this.#channels.clear();
    for (const channel of channels) tell(channel);
    this.#end();
  }
}
