import { PING_INTERVAL_MS, SILENCE_LIMIT_MS } from '@pageferry/wire';
import type { MessageSocket } from './message-socket.js';

/** Asks for a sign of life of the other end of a socket, until it is stopped. */
export class KeepAlive {
  readonly #timer: NodeJS.Timeout;
  #lastHeardMs = performance.now();

  /** @param onSilence called, each time that it looks, when nothing at all has come for too long */
  constructor(socket: MessageSocket, onSilence: (silentMs: number) => void) {
    const heard = (): void => {
      this.#lastHeardMs = performance.now();
    };
    socket.on('message', heard);
    socket.on('ping', heard);
    socket.on('pong', heard);
    this.#timer = setInterval(() => {
      const silentMs = performance.now() - this.#lastHeardMs;
      if (silentMs > SILENCE_LIMIT_MS) onSilence(silentMs);
      else socket.ping();
    }, PING_INTERVAL_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
