import type { Check } from '@pageferry/daemon';

/** A QEMU that waits for a guest, as with `-incoming defer`, and has none yet. */
export interface WaitingQemu {
  /** Path of its QMP socket, which answers. */
  readonly socket: string;
  /**
   * For a guest that does not come: ends the QEMU, if {@link IncomingDriver.provide} has started it, by force if need be,
   * and removes what came with it. A QEMU that was there before is left alone. It may be called more than once, takes no
   * longer than half a minute, and never rejects: what goes wrong is logged.
   * @returns whether this QEMU is gone for certain
   */
  release(): Promise<boolean>;
}

/**
 * How QEMUs come to be that guests come into. A driver keeps nothing on disk: whoever has a QEMU provided says so in its
 * journal first, see {@link endLeftOver}. Names are checked against `GUEST_NAME_PATTERN`, and lead to `guest-not-found`.
 */
export interface IncomingDriver {
  /** Whether it starts QEMUs, each of which takes the memory of its guest. */
  readonly starts: boolean;

  /**
   * A QEMU for this guest, started if need be. Takes no longer than the setting `qemuStartSeconds`, and leaves nothing
   * behind when it throws. That the QEMU waits, and fits, is for the caller to find out.
   * @throws `guest-not-found`, `guest-busy` while it is being started or ended, `driver-failed`, the signal's reason
   */
  provide(guest: string, signal: AbortSignal): Promise<WaitingQemu>;

  /**
   * The QMP socket of a QEMU that an earlier run of this agent had provided; undefined if it is gone. Starts nothing, and
   * asks QEMU nothing: its main loop may wait for a page.
   * @throws `guest-not-found`, `driver-failed` if that cannot be found out
   */
  find(guest: string, signal?: AbortSignal): Promise<string | undefined>;

  /**
   * After a restart of the agent: ends a QEMU that {@link provide} has started for this guest, or is starting, as long as
   * it waits and has no guest. Anything else is left alone. Bounded; never rejects.
   */
  endLeftOver(guest: string): Promise<void>;

  /** What must be so for {@link provide} to work, for `/readyz`. Bounded; never rejects. */
  checks(): Promise<Check[]>;
}
