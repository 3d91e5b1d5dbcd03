/**
 * Bounds what work takes of a processor: after each piece of it there is a rest, so long that in any time it has not taken
 * more than its share, and one piece. A rest that was longer than wanted is not made up for.
 */
export class DutyCycle {
  /** Of one processor, above 0. */
  share: number;
  #restsUntilMs = -Infinity;

  constructor(share: number) {
    this.share = share;
  }

  /**
   * A piece of work is over.
   * @param begunMs when it began, on the clock of `nowMs`
   * @param spentMs processor time that it took
   * @returns how long to rest before the next one, ms
   */
  restMs(begunMs: number, nowMs: number, spentMs: number): number {
    this.#restsUntilMs = Math.max(this.#restsUntilMs, begunMs) + spentMs / this.share;
    return Math.max(this.#restsUntilMs - nowMs, 0);
  }
}
