import { Backoff, isAborted, pause } from './backoff.js';

export interface Polled {
  /** Asks once; how long to wait before the next time, ms. */
  readonly ask: (signal: AbortSignal) => Promise<number>;
  /** @param retryMs until the next try */
  readonly onFailure: (thrown: unknown, retryMs: number) => void;
}

/** Asks again and again, with longer pauses while it fails. */
export class Poll {
  readonly #polled: Polled;
  #scope: AbortController | undefined;
  #wake: AbortController | undefined;

  constructor(polled: Polled) {
    this.#polled = polled;
  }

  start(): void {
    if (this.#scope !== undefined) return;
    this.#scope = new AbortController();
    void this.#run(this.#scope.signal);
  }

  stop(): void {
    this.#scope?.abort();
    this.#scope = undefined;
  }

  /** Does not wait for the next time. */
  hurry(): void {
    this.#wake?.abort();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff();
    while (!isAborted(signal)) {
      let waitMs: number;
      try {
        waitMs = await this.#polled.ask(signal);
        backoff.reset();
      } catch (thrown) {
        if (isAborted(signal)) return;
        waitMs = backoff.next();
        this.#polled.onFailure(thrown, waitMs);
      }
      if (isAborted(signal)) return;
      this.#wake = new AbortController();
      await pause(waitMs, AbortSignal.any([signal, this.#wake.signal]));
    }
  }
}
