import type { Logger } from '@pageferry/daemon';
import { PageferryError, sleep } from '@pageferry/errors';
import type { WaitingQemu } from './driver.js';
import type { GuestUnit } from './guest-unit.js';
import type { IncomingMarker } from './incoming-marker.js';
import { monitorAnswer } from './monitor-answer.js';
import { timedOut } from './systemd-tool.js';

const PAUSE_MS = 100;
/** A unit takes its marker first of all. */
const TAKEN_TIMEOUT_MS = 3_000;

export interface StartedUnitOptions {
  readonly unit: GuestUnit;
  readonly marker: IncomingMarker;
  /** Of QEMU's monitor. */
  readonly socket: string;
  readonly log: Logger;
}

/** A guest's unit that was started for a migration, with a marker. */
export class StartedUnit implements WaitingQemu {
  readonly socket: string;
  readonly #unit: GuestUnit;
  readonly #marker: IncomingMarker;
  readonly #log: Logger;
  /** Of the start, so that a later one of the same unit is told apart from it. */
  #invocation: string | undefined;

  private constructor({ unit, marker, socket, log }: StartedUnitOptions) {
    this.#unit = unit;
    this.#marker = marker;
    this.socket = socket;
    this.#log = log;
  }

  /**
   * Resolves when QEMU's monitor answers.
   * @throws `driver-failed`, `guest-busy`, `guest-not-found`, the signal's reason
   */
  static async start(options: StartedUnitOptions, signal: AbortSignal): Promise<StartedUnit> {
    signal.throwIfAborted();
    const started = new StartedUnit(options);
    await started.#start();
    try {
      await started.#untilAnswering(signal);
    } catch (thrown) {
      await started.#giveUp();
      throw thrown;
    }
    return started;
  }

  async release(): Promise<boolean> {
    const unit = this.#unit;
    try {
      const { InvocationID } = await unit.state();
      if (this.#invocation !== undefined && this.#invocation !== InvocationID) return true;
      await unit.stop();
      await unit.forgetFailure();
      return true;
    } catch (thrown) {
      this.#log.error({ err: thrown, unit: unit.name }, 'a unit that was started for a guest may be left');
      return false;
    }
  }

  async #start(): Promise<void> {
    const unit = this.#unit;
    await this.#marker.put();
    try {
      await unit.start();
    } catch (thrown) {
      const state = await unit.state();
      // A start that systemd has yet to come to would boot the guest, were the marker gone.
      if (timedOut(thrown)) await unit.stop();
      await this.#giveUp();
      throw unit.explain(thrown, state);
    }
  }

  async #untilAnswering(signal: AbortSignal): Promise<void> {
    const unit = this.#unit;
    do {
      const { ActiveState, Result, InvocationID } = await unit.state(signal);
      this.#invocation ??= InvocationID;
      if (ActiveState !== 'active') throw unit.ended(Result);
      await sleep(PAUSE_MS, signal);
    } while ((await monitorAnswer(this.socket)) === undefined);
    if (!this.#marker.isThere) return;
    throw new PageferryError('guest-busy', `${unit.name} was started by someone else at the same time`);
  }

  /** Never rejects. A unit that has not taken its marker was started by someone else, or has yet to take it. */
  async #giveUp(): Promise<void> {
    const { name } = this.#unit;
    try {
      if (await this.#isTaken()) {
        await this.release();
        return;
      }
      const { ActiveState } = await this.#unit.state();
      if (ActiveState === 'active' && (await monitorAnswer(this.socket)) === undefined) {
        // Without the marker it might boot a second copy of the guest.
        this.#log.error({ unit: name, marker: this.#marker.path }, 'a unit may be left waiting for a guest');
        return;
      }
      await this.#marker.remove();
      await this.#unit.forgetFailure();
    } catch (thrown) {
      this.#log.error({ err: thrown, unit: name }, 'a unit that was started for a guest may be left');
    }
  }

  async #isTaken(): Promise<boolean> {
    const deadline = performance.now() + TAKEN_TIMEOUT_MS;
    while (this.#marker.isThere) {
      const { ActiveState } = await this.#unit.state();
      if (ActiveState !== 'active' || performance.now() > deadline) return false;
      if ((await monitorAnswer(this.socket)) !== undefined) return !this.#marker.isThere;
      await sleep(PAUSE_MS);
    }
    return true;
  }
}
