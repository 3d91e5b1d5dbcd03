import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@pageferry/daemon';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import { MonitorKeeper, QmpClient, processIdentity, type QmpOptions } from '@pageferry/qemu';

/** Ends the name of a keeper's socket; before it stands the migration's id. */
const KEEPER_SUFFIX = '.keeper';

/** Where the next run of this agent finds the QMP connection of a migration. */
export function keeperPath(runtimeDirectory: string, id: string): string {
  return join(runtimeDirectory, id + KEEPER_SUFFIX);
}

/** An incoming migration's connection to QEMU's monitor, which may outlive this agent. */
export class IncomingMonitor {
  readonly qmp: QmpClient;
  /** Whether an earlier run of this agent made the connection: it is to the QEMU of that run, then. */
  readonly #inherited: boolean;
  #keeper: MonitorKeeper | undefined;
  #isLetGo = false;
  /** Resolves, and never rejects, when the connection ends and it was not this end that let it go. */
  readonly broken: Promise<PageferryError>;

  private constructor(qmp: QmpClient, inherited: boolean) {
    this.qmp = qmp;
    this.#inherited = inherited;
    this.broken = new Promise((resolve) => {
      void qmp.closed.then((reason) => {
        if (!this.#isLetGo) resolve(reason);
      });
    });
  }

  /** Rejects as `QmpClient.connect` does. */
  static async connect(guestSocket: string, options?: QmpOptions): Promise<IncomingMonitor> {
    return new IncomingMonitor(await QmpClient.connect(guestSocket, { ...options, outOfBand: true }), false);
  }

  /**
   * The connection that an earlier run has left, or else a new one. Rejects as `QmpClient.connect` does.
   * @param find QEMU's socket, undefined if QEMU is gone; rejects if that is not known
   */
  static async reconnect(
    keeper: string,
    find: () => Promise<string | undefined>,
    options?: QmpOptions,
  ): Promise<IncomingMonitor> {
    try {
      return new IncomingMonitor(await MonitorKeeper.connect(keeper, options), true);
    } catch {
      options?.signal?.throwIfAborted();
      const guestSocket = await find();
      if (guestSocket === undefined) throw new PageferryError('qmp-unreachable', 'QEMU is gone');
      return IncomingMonitor.connect(guestSocket, options);
    }
  }

  /** Whether this is the QEMU of that identity; see `processIdentity`. */
  async isOf(qemu: string | undefined, options?: QmpOptions): Promise<boolean> {
    // An inherited connection is not asked: its main loop may wait for a page.
    return this.#inherited || (await processIdentity(this.qmp, options)) === qemu;
  }

  /** Has a keeper hold the connection, in case this agent dies. Without one the migration goes on all the same. */
  async keep(path: string, log: Logger, signal: AbortSignal): Promise<void> {
    try {
      this.#keeper = await MonitorKeeper.start(this.qmp, path, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      log.warn(
        { err: asPageferryError(thrown) },
        'nothing keeps the QMP connection if this agent dies: do not kill it in post-copy',
      );
    }
  }

  /** Closes this end and leaves QEMU's to the keeper, for the agent's next run. */
  leave(): void {
    this.#isLetGo = true;
    this.qmp.close();
    this.#keeper?.leave();
  }

  /** Ends the connection, so that others can use QEMU's monitor. Never rejects. */
  async close(): Promise<void> {
    this.#isLetGo = true;
    await this.#keeper?.release();
    // One whose QEMU is gone is gone itself.
    if (this.#inherited) await MonitorKeeper.release(this.qmp).catch(() => undefined);
    this.qmp.close();
  }
}

/** Ends the keepers that an earlier run has left, but for those of migrations that go on; never rejects. */
export async function releaseKeepers(runtimeDirectory: string, goingOn: ReadonlySet<string>): Promise<void> {
  const names = await readdir(runtimeDirectory).catch(() => []);
  for (const name of names) {
    if (!name.endsWith(KEEPER_SUFFIX) || goingOn.has(name.slice(0, -KEEPER_SUFFIX.length))) continue;
    const path = join(runtimeDirectory, name);
    try {
      await MonitorKeeper.release(await MonitorKeeper.connect(path));
    } catch {
      // Gone; its socket may have stayed.
    }
    await rm(path, { force: true }).catch(() => undefined);
  }
}
