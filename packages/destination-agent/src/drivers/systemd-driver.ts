import { checkDirectory, guestSocketPath, type Check, type Logger } from '@pageferry/daemon';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import type { IncomingDriver, WaitingQemu } from './driver.js';
import { endWaitingUnit } from './end-waiting-unit.js';
import { GuestUnit } from './guest-unit.js';
import { IncomingMarker } from './incoming-marker.js';
import { monitorAnswer } from './monitor-answer.js';
import { StartedUnit } from './started-unit.js';

/** Any name does: systemd has the same to say about all units of the template. */
const PROBED = 'pageferry-readiness';

export interface SystemdDriverOptions {
  /** With the QMP sockets, and the markers that have units wait. */
  readonly guestDirectory: string;
  /** Until QEMU's monitor answers. */
  readonly startSeconds: number;
  readonly log: Logger;
}

/** QEMUs as services, `qemu-guest@NAME.service`, started for the migration. */
export class SystemdDriver implements IncomingDriver {
  readonly starts = true;
  readonly #directory: string;
  readonly #startSeconds: number;
  readonly #log: Logger;
  /** Guests whose units are being started. */
  readonly #starting = new Set<string>();

  constructor({ guestDirectory, startSeconds, log }: SystemdDriverOptions) {
    this.#directory = guestDirectory;
    this.#startSeconds = startSeconds;
    this.#log = log;
  }

  async provide(guest: string, signal: AbortSignal): Promise<WaitingQemu> {
    const socket = guestSocketPath(this.#directory, guest);
    const unit = new GuestUnit(guest);
    if (this.#starting.has(guest)) throw unit.busy('being started');
    this.#starting.add(guest);
    const late = AbortSignal.timeout(this.#startSeconds * 1000);
    try {
      return await this.#provide(unit, guest, socket, AbortSignal.any([signal, late]));
    } catch (thrown) {
      if (late.aborted && !signal.aborted) throw this.#tookTooLong(unit, thrown);
      throw thrown;
    } finally {
      this.#starting.delete(guest);
    }
  }

  async find(guest: string): Promise<string> {
    return Promise.resolve(guestSocketPath(this.#directory, guest));
  }

  async endLeftOver(guest: string): Promise<void> {
    const unit = new GuestUnit(guest);
    try {
      const socket = guestSocketPath(this.#directory, guest);
      const marker = new IncomingMarker(this.#directory, guest);
      await endWaitingUnit({ unit, marker, socket, log: this.#log });
    } catch (thrown) {
      this.#log.error({ err: thrown, unit: unit.name }, 'a unit that an earlier run has started may be left');
    }
  }

  async checks(): Promise<Check[]> {
    return [
      await checkTemplate(),
      await checkPermission(),
      await checkDirectory('guest-directory', this.#directory, true),
    ];
  }

  async #provide(unit: GuestUnit, guest: string, socket: string, signal: AbortSignal): Promise<WaitingQemu> {
    const { LoadState, ActiveState } = await unit.state(signal);
    if (LoadState !== 'loaded') throw notInstalled(unit, LoadState);
    // Whether a QEMU that is there waits for this guest is found out from its monitor.
    if (ActiveState === 'active') return { socket, release: () => Promise.resolve(false) };
    if (ActiveState !== 'inactive' && ActiveState !== 'failed') throw unit.busy(ActiveState);
    if ((await monitorAnswer(socket)) !== undefined) {
      throw new PageferryError(
        'guest-busy',
        `${unit.name} is not active, but a QEMU has its socket ${socket}: it was started by something else`,
      );
    }
    const marker = new IncomingMarker(this.#directory, guest);
    const started = await StartedUnit.start({ unit, marker, socket, log: this.#log }, signal);
    this.#log.info({ guest, unit: unit.name }, 'a QEMU was started for a guest');
    return started;
  }

  #tookTooLong({ name }: GuestUnit, cause: unknown): PageferryError {
    return new PageferryError(
      'driver-failed',
      `QEMU did not answer within ${this.#startSeconds} s of the start of ${name} (qemuStartSeconds): ` +
        `journalctl -u ${name} says more`,
      { cause },
    );
  }
}

async function checkTemplate(): Promise<Check> {
  const name = 'systemd';
  const unit = new GuestUnit(PROBED);
  try {
    const { LoadState } = await unit.state();
    if (LoadState !== 'loaded') throw notInstalled(unit, LoadState);
    return { name, ok: true, detail: 'qemu-guest@.service' };
  } catch (thrown) {
    return { name, ok: false, detail: asPageferryError(thrown).message };
  }
}

async function checkPermission(): Promise<Check> {
  const name = 'unit-permission';
  try {
    await new GuestUnit(PROBED).requirePermission();
    return { name, ok: true, detail: 'guests can be started and ended' };
  } catch (thrown) {
    const wayOut =
      "it takes polkit 121 or newer, and a copy of 60-pageferry.rules in /etc/polkit-1/rules.d with this agent's user, " +
      'where that is not pageferry';
    return { name, ok: false, detail: `${asPageferryError(thrown).message}: ${wayOut}` };
  }
}

function notInstalled({ name }: GuestUnit, state: string): PageferryError {
  return new PageferryError(
    'driver-failed',
    `${name} cannot be loaded (${state}): install qemu-guest@.service, of the package pageferry-common`,
  );
}
