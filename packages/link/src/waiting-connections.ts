import type { Socket } from 'node:net';

const LONGEST_WAIT_MS = 10_000;
const MOST_WAITING = 32;

interface Waiting {
  readonly socket: Socket;
  readonly address: string;
  readonly timer: NodeJS.Timeout;
}

/**
 * Connections from which nothing that counts has come yet. Each has so much time, handshakes included, and there are only so
 * many: one more takes the place of the oldest from the address that has the most. So whoever fills the places with silence
 * keeps the others out only from where it is itself.
 */
export class WaitingConnections {
  readonly #byKey = new Map<string, Waiting>();
  readonly #most: number;

  constructor(most = MOST_WAITING) {
    this.#most = most;
  }

  add(socket: Socket): void {
    const key = keyOf(socket);
    if (this.#byKey.size >= this.#most) this.#oldestOfTheBusiest()?.socket.destroy();
    const timer = setTimeout(() => socket.destroy(), LONGEST_WAIT_MS);
    const waiting = { socket, address: socket.remoteAddress ?? '', timer };
    this.#byKey.set(key, waiting);
    socket.once('close', () => {
      clearTimeout(timer);
      if (this.#byKey.get(key) === waiting) this.#byKey.delete(key);
    });
  }

  /** It is known now whose it is. TLS may lie between this socket and the one that was added. */
  release(socket: Socket): void {
    const key = keyOf(socket);
    clearTimeout(this.#byKey.get(key)?.timer);
    this.#byKey.delete(key);
  }

  #oldestOfTheBusiest(): Waiting | undefined {
    const counts = new Map<string, number>();
    for (const { address } of this.#byKey.values()) counts.set(address, (counts.get(address) ?? 0) + 1);
    const most = Math.max(...counts.values());
    for (const [key, waiting] of this.#byKey) {
      if (counts.get(waiting.address) !== most) continue;
      this.#byKey.delete(key);
      return waiting;
    }
    return undefined;
  }
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? ''}`;
}
