import { join } from 'node:path';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import {
  DirtyLog,
  GuestPhysicalMemory,
  MemoryReader,
  describeMachine,
  findProcessId,
  processIdentity,
  quit,
  readGuestPhysicalRanges,
  readRamBlocks,
  requireSupportedVersion,
  runAgain,
  runState,
  saveDeviceState,
  stopGuest,
  type MachineDescription,
  type QmpClient,
  type RamBlock,
} from '@pageferry/qemu';
import { PageLayout, type PageSet } from '@pageferry/transfer';

/** The destination's QEMU may hold the disk images until it has ended, ms. */
const TAKE_BACK_TIMEOUT_MS = 30_000;
/** A QEMU that waits for storage answers nothing, and its guest could not go on either: it is waited for, ms. */
export const ANSWER_TIMEOUT_MS = 600_000;

/** The guest on the host that it leaves: its QEMU, its memory, and whether it ran when all this began. */
export class SourceGuest {
  readonly qmp: QmpClient;
  readonly machine: MachineDescription;
  readonly layout: PageLayout;
  readonly memory: MemoryReader;
  /** See `processIdentity`. */
  readonly identity: string;
  /** A guest that its operator had stopped is not run on the destination either. */
  readonly wasRunning: boolean;
  readonly #blocks: readonly RamBlock[];
  #dirtyLog: DirtyLog | undefined;
  /** Whoever else stopped the guest has reasons: it is not run again then. */
  #stoppedHere: boolean;
  #isGone = false;

  private constructor(
    qmp: QmpClient,
    machine: MachineDescription,
    blocks: readonly RamBlock[],
    memory: MemoryReader,
    identity: string,
    { wasRunning, stoppedHere }: { wasRunning: boolean; stoppedHere: boolean },
  ) {
    this.qmp = qmp;
    this.machine = machine;
    this.layout = new PageLayout(machine.ramBlocks);
    this.#blocks = blocks;
    this.memory = memory;
    this.identity = identity;
    this.wasRunning = wasRunning;
    this.#stoppedHere = stoppedHere;
    void qmp.closed.then(() => {
      this.#isGone = true;
    });
  }

  /**
   * @param qmp closed if this fails
   * @param wasRunning for a guest that a migration has already stopped: whether it ran before
   * @throws what the QMP client does, `qemu-too-old`, `memory-unreadable`
   */
  static async open(qmp: QmpClient, signal: AbortSignal, wasRunning?: boolean): Promise<SourceGuest> {
    try {
      requireSupportedVersion(qmp.greeting);
      const machine = await describeMachine(qmp, { signal });
      const identity = await processIdentity(qmp, { signal });
      const blocks = await readRamBlocks(qmp, { signal });
      const memory = MemoryReader.open(await findProcessId(qmp, { signal }), blocks);
      return new SourceGuest(qmp, machine, blocks, memory, identity, {
        wasRunning: wasRunning ?? machine.runState === 'running',
        stoppedHere: wasRunning !== undefined,
      });
    } catch (thrown) {
      qmp.close();
      throw thrown;
    }
  }

  /** Its QEMU has ended, or its monitor has: there is nothing left to bring back. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** As the guest sees its memory now. */
  async physicalMemory(signal: AbortSignal): Promise<GuestPhysicalMemory> {
    const ranges = await readGuestPhysicalRanges(this.qmp, this.#blocks, { signal });
    return new GuestPhysicalMemory(this.memory, this.layout, ranges);
  }

  /** @param directory for what QEMU and this agent exchange */
  async openDirtyLog(directory: string, signal: AbortSignal): Promise<DirtyLog> {
    this.#dirtyLog = await DirtyLog.open(this.qmp, this.layout, { directory, signal });
    return this.#dirtyLog;
  }

  /** Adds to `pending` what was written until now, if there is a log. */
  async readDirtyLog(pending: PageSet, signal: AbortSignal): Promise<void> {
    await this.#dirtyLog?.collect(pending, signal);
  }

  /** Gives QEMU back the settings that it had before. */
  async endDirtyLog(): Promise<void> {
    await this.#dirtyLog?.giveUp();
  }

  async stop(): Promise<void> {
    if (!this.wasRunning) return;
    this.#stoppedHere = true;
    await stopGuest(this.qmp);
  }

  /**
   * The device state of the stopped guest; its disk images are let go of.
   * @param pending gets the pages that changed last
   */
  async finalState(pending: PageSet, directory: string, signal: AbortSignal): Promise<Buffer> {
    if (this.#dirtyLog !== undefined) return this.#dirtyLog.finish(pending, signal);
    return saveDeviceState(this.qmp, join(directory, 'device-state'), { signal });
  }

  /** Runs the guest again, if it was stopped for the migration. Errors: as {@link answers}; `guest-state`, when QEMU refuses to. */
  async takeBack(): Promise<void> {
    if (!this.#mustRunAgain) return;
    await this.answers();
    await runAgain(this.qmp, TAKE_BACK_TIMEOUT_MS).catch((thrown: unknown) => {
      const error = asPageferryError(thrown);
      if (error.code === 'qmp-closed') throw error;
      throw new PageferryError(
        'guest-state',
        `the guest cannot be run again on the source: ${error.message}`,
        { cause: error },
      );
    });
  }

  /**
   * Waits for the QEMU of a guest that was stopped for the migration: once a storage that hangs is there again, it does all
   * that it was told meanwhile. Errors: `guest-state`, when it answers nothing for 10 min; `qmp-closed`.
   */
  async answers(): Promise<void> {
    if (!this.#mustRunAgain) return;
    await runState(this.qmp, { timeoutMs: ANSWER_TIMEOUT_MS }).catch((thrown: unknown) => {
      const error = asPageferryError(thrown);
      if (error.code !== 'qmp-timeout') throw error;
      throw new PageferryError(
        'guest-state',
        `the guest cannot be run again on the source, where QEMU does not answer: ${error.message}; run it there by hand (cont)`,
        { cause: error },
      );
    });
  }

  get #mustRunAgain(): boolean {
    return this.wasRunning && this.#stoppedHere;
  }

  async quit(): Promise<void> {
    await quit(this.qmp);
    await this.qmp.closed;
  }

  close(): void {
    this.memory.close();
    this.qmp.close();
  }
}
