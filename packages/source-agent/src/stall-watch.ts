/** A destination hangs that takes in nothing of what is on its way for so long, ms. */
export const STALL_LIMIT_MS = 30_000;
/** It is looked for so often within that time: a process that was itself held for long has seen one look only. */
const LOOKS = 10;

/** Tells when nothing of what is in flight is taken in any more. */
export class StallWatch {
  readonly #onStall: () => void;
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;

  /** @param onStall called once for each stall */
  constructor(onStall: () => void) {
    this.#onStall = onStall;
  }

  get isStalled(): boolean {
    return this.#looks >= LOOKS;
  }

  /** Something is in flight, or still is. */
  start(): void {
    this.#timer ??= setInterval(() => {
      this.#looks++;
      if (this.#looks === LOOKS) this.#onStall();
    }, STALL_LIMIT_MS / LOOKS).unref();
  }

  /** Some of it was taken in. */
  progressed(): void {
    this.#looks = 0;
  }

  /** Nothing is in flight. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#looks = 0;
  }
}
