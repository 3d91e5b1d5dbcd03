/** A link's bandwidth from a moment on. */
export interface LinkStep {
  /** Since the beginning, ms. */
  readonly fromMs: number;
  /** Bytes a second. */
  readonly bytesPerSecond: number;
}

/** What a link carries over time. */
export class LinkShape {
  readonly #steps: readonly LinkStep[];

  /** @param steps in the order of their time, the first at 0 */
  constructor(steps: readonly LinkStep[]) {
    const inOrder = steps.every(({ fromMs }, index) =>
      index === 0 ? fromMs === 0 : fromMs > (steps[index - 1]?.fromMs ?? 0),
    );
    if (steps.length === 0 || !inOrder || steps.some(({ bytesPerSecond }) => !(bytesPerSecond > 0))) {
      throw new RangeError(
        'A link needs a bandwidth from the beginning on, and changes in the order of time',
      );
    }
    this.#steps = steps;
  }

  /** Bytes a second at a moment. */
  at(ms: number): number {
    return this.#steps.findLast(({ fromMs }) => fromMs <= ms)?.bytesPerSecond ?? 0;
  }

  /** When the last of `bytes` is on its way that are sent from `beginMs` on. */
  sentMs(bytes: number, beginMs: number): number {
    let now = beginMs;
    let left = bytes;
    for (;;) {
      const rate = this.at(now) / 1000;
      const change = this.#steps.find(({ fromMs }) => fromMs > now)?.fromMs ?? Infinity;
      const end = now + left / rate;
      if (end <= change) return end;
      left -= (change - now) * rate;
      now = change;
    }
  }

  /** The same link for a guest that is smaller by this factor. */
  scaledBy(scale: number): LinkShape {
    return new LinkShape(
      this.#steps.map(({ fromMs, bytesPerSecond }) => ({ fromMs, bytesPerSecond: bytesPerSecond / scale })),
    );
  }
}
