const SHORTEST_MS = 1_000;
const LONGEST_MS = 15_000;

/** How long to wait before the next try: twice as long each time. */
export class Backoff {
  #nextMs = SHORTEST_MS;

  next(): number {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(2 * ms, LONGEST_MS);
    return ms;
  }

  reset(): void {
    this.#nextMs = SHORTEST_MS;
  }
}

/** Asked anew: what comes between two looks at a signal may have aborted it. */
export const isAborted = (signal: AbortSignal): boolean => signal.aborted;

/** Resolves after the time, or at once when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
