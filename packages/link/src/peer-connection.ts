import { PageferryError, asPageferryError, withTimeout, type Host } from '@pageferry/errors';
import {
  FrameKind,
  decodeControl,
  encodeControl,
  errorForWire,
  errorFromWire,
  frameKind,
  type ControlMessage,
  type ControlOf,
  type ControlType,
} from '@pageferry/wire';
import {
  CLOSE_NORMAL,
  CLOSE_PROTOCOL_ERROR,
  closedByPeer,
  connectionLost,
  protocolViolation,
  socketFailed,
} from './connection-errors.js';
import { KeepAlive } from './keep-alive.js';
import type { MessageSocket } from './message-socket.js';

export interface PeerConnectionOptions {
  /** Who is at the other end. */
  readonly peer: Host;
  /** Takes every frame that is no control message, in the order of arrival; what it throws ends the connection. */
  readonly onFrame: (frame: Buffer) => void;
}

interface Expectation {
  readonly types: readonly ControlType[];
  readonly resolve: (message: ControlMessage) => void;
  readonly reject: (reason: PageferryError) => void;
}

const CLOSE_TIMEOUT_MS = 2_000;
/** Control messages that nobody has asked for yet. */
const MAX_UNREAD_MESSAGES = 16;

/**
 * One connection between the agents, from either end: control messages by turns, frames as they come, a ping in
 * between. Once it is over, whatever the reason, {@link closed} says why.
 */
export class PeerConnection {
  readonly #socket: MessageSocket;
  readonly #peer: Host;
  #onFrame: (frame: Buffer) => void;
  readonly #unread: ControlMessage[] = [];
  readonly #keepAlive: KeepAlive;
  #expectation: Expectation | undefined;
  #reason: PageferryError | undefined;
  #end: (reason: PageferryError) => void = () => undefined;
  /** Resolves, and never rejects, when the connection is over. */
  readonly closed: Promise<PageferryError>;

  constructor(socket: MessageSocket, options: PeerConnectionOptions) {
    this.#socket = socket;
    this.#peer = options.peer;
    this.#onFrame = options.onFrame;
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#keepAlive = new KeepAlive(socket, (silentMs) => {
      this.#finish(connectionLost(this.#peer, `nothing came for ${Math.round(silentMs)} ms`));
      socket.terminate();
    });
    socket.on('message', (data, isBinary) => {
      this.#receive(data, isBinary);
    });
    socket.on('error', (cause) => {
      this.#finish(socketFailed(this.#peer, cause));
    });
    socket.on('close', (code) => {
      this.#finish(closedByPeer(this.#peer, code));
    });
  }

  get isOpen(): boolean {
    return this.#reason === undefined;
  }

  /** Who takes the frames from now on. */
  set onFrame(take: (frame: Buffer) => void) {
    this.#onFrame = take;
  }

  /** Sends a control message; resolves when the operating system has it. Error: `peer-lost`. */
  async send(message: ControlMessage): Promise<void> {
    return this.sendFrame(encodeControl(message));
  }

  /** Sends a frame; when it resolves the buffer may be used again. Error: `peer-lost`. */
  async sendFrame(frame: Buffer): Promise<void> {
    if (this.#reason !== undefined) throw this.#reason;
    return new Promise((resolve, reject) => {
      this.#socket.send(frame, { binary: true, compress: false }, (error) => {
        if (error) reject(this.#reason ?? connectionLost(this.#peer, error.message, error));
        else resolve();
      });
    });
  }

  /**
   * The next control message, which must be one of `types`. The peer's `failed`, `abort` and `refused` are thrown as
   * its own error, unless they are among the types. Errors: `protocol-violation`, `peer-lost`, `peer-timeout`.
   */
  async next<T extends ControlType>(
    types: readonly T[],
    { signal, timeoutMs }: { signal?: AbortSignal | undefined; timeoutMs: number },
  ): Promise<ControlOf<T>> {
    const message = await withTimeout(
      signal,
      timeoutMs,
      'peer-timeout',
      `the ${this.#peer} agent did not send ${types.join(' or ')} within ${timeoutMs} ms`,
      (inner) => this.#take(types, inner),
    );
    if (isOneOf(message, types)) return message;
    switch (message.type) {
      case 'failed':
      case 'abort':
      case 'refused':
        throw errorFromWire(message.error).on(this.#peer);
      default:
        throw protocolViolation(
          this.#peer,
          `it sent "${message.type}" where ${types.join(' or ')} was expected`,
        );
    }
  }

  /**
   * What `arrived` becomes, which frames that have been announced bring about.
   * @param what is missing if it does not, for the message
   * @throws `peer-timeout`; why the connection ended, if it does before
   */
  async whole<T>(
    arrived: Promise<T>,
    what: string,
    { signal, timeoutMs }: { signal?: AbortSignal | undefined; timeoutMs: number },
  ): Promise<T> {
    const message = `the ${this.#peer} agent did not send ${what} within ${timeoutMs} ms`;
    return withTimeout(signal, timeoutMs, 'peer-timeout', message, () => this.whileOpen(arrived));
  }

  /** What `work` becomes; rejects with the reason when the connection ends before. */
  async whileOpen<T>(work: Promise<T>): Promise<T> {
    const lost = this.closed.then((reason) => {
      throw reason;
    });
    return Promise.race([work, lost]);
  }

  /**
   * Ends the connection because the peer broke the protocol. The cause is the last word that it gets, as `failed` or
   * `abort`; no answer is waited for.
   */
  fail(thrown: unknown): void {
    if (this.#reason !== undefined) return;
    const error = asPageferryError(thrown, 'protocol-violation').on(this.#host);
    const type = this.#host === 'destination' ? 'failed' : 'abort';
    // A peer that is gone meanwhile does not hear it.
    this.send({ type, error: errorForWire(error) }).catch(() => undefined);
    this.#socket.close(CLOSE_PROTOCOL_ERROR, error.code);
    this.#finish(error);
    this.#terminateLater();
  }

  /** Ends the connection, with all that was sent delivered if the peer is there. */
  close(): void {
    this.#socket.close(CLOSE_NORMAL);
    this.#finish(new PageferryError('peer-lost', 'the connection was closed'));
    this.#terminateLater();
  }

  /** This end. */
  get #host(): Host {
    return this.#peer === 'source' ? 'destination' : 'source';
  }

  async #take(types: readonly ControlType[], signal: AbortSignal): Promise<ControlMessage> {
    const unread = this.#unread.shift();
    if (unread !== undefined) return unread;
    if (this.#reason !== undefined) throw this.#reason;
    return new Promise((resolve, reject) => {
      const expectation = { types, resolve, reject };
      this.#expectation = expectation;
      signal.addEventListener('abort', () => {
        if (this.#expectation === expectation) this.#expectation = undefined;
      });
    });
  }

  #receive(data: unknown, isBinary: boolean): void {
    if (this.#reason !== undefined) return;
    try {
      if (!isBinary || !Buffer.isBuffer(data)) throw protocolViolation(this.#peer, 'it sent text');
      if (frameKind(data) !== FrameKind.control) {
        this.#onFrame(data);
        return;
      }
      const message = decodeControl(data);
      const expectation = this.#expectation;
      if (expectation !== undefined) {
        this.#expectation = undefined;
        expectation.resolve(message);
        return;
      }
      if (message.type === 'failed' || message.type === 'refused') {
        // Its last word: whoever waits for the end of the connection gets the cause, not only the end.
        this.#finish(errorFromWire(message.error).on(this.#peer));
        this.#socket.close(CLOSE_NORMAL);
        this.#terminateLater();
        return;
      }
      if (this.#unread.length === MAX_UNREAD_MESSAGES)
        throw protocolViolation(this.#peer, 'it sends messages out of turn');
      this.#unread.push(message);
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  #finish(reason: PageferryError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#keepAlive.stop();
    this.#expectation?.reject(reason);
    this.#expectation = undefined;
    this.#end(reason);
  }

  #terminateLater(): void {
    setTimeout(() => {
      this.#socket.terminate();
    }, CLOSE_TIMEOUT_MS).unref();
  }
}

function isOneOf<T extends ControlType>(
  message: ControlMessage,
  types: readonly T[],
): message is ControlOf<T> {
  return types.some((type) => type === message.type);
}
