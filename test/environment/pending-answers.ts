import { withDeadline } from './deadline.js';

/** Requests by number whose answers are still to come. */
export class PendingAnswers<T> {
  readonly #waiting = new Map<string, (answer: T) => void>();

  /** The answer to the request `id`, which is sent by `send` once this waits for it. */
  async request(id: string, send: () => void, timeoutMs: number, what: string): Promise<T> {
    const answer = new Promise<T>((resolve) => this.#waiting.set(id, resolve));
    try {
      send();
      return await withDeadline(answer, timeoutMs, what);
    } finally {
      this.#waiting.delete(id);
    }
  }

  /** Hands an answer to its request; one that nobody waits for any more is dropped. */
  deliver(id: string, answer: T): void {
    this.#waiting.get(id)?.(answer);
  }
}
