import { abortable } from '@pageferry/errors';

/** Whose guest may be stopped: one at a time, so that none waits stopped while another one's last pages are sent. */
export class SwitchOverTurn {
  #holder: object | undefined;
  readonly #waiting: (() => void)[] = [];

  /** Whether it is this one's turn now; it keeps it until {@link release}. */
  tryTake(holder: object): boolean {
    this.#holder ??= holder;
    return this.#holder === holder;
  }

  /** Resolves when it is this one's turn; rejects with what the signal was aborted with. */
  async take(holder: object, signal: AbortSignal): Promise<void> {
    while (!this.tryTake(holder)) {
      await abortable(
        signal,
        new Promise<void>((resolve) => {
          this.#waiting.push(resolve);
        }),
      );
    }
  }

  /** Without effect for one that does not have the turn. */
  release(holder: object): void {
    if (this.#holder !== holder) return;
    this.#holder = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
