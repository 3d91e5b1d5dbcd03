import type { Logger } from '@pageferry/daemon';
import { PageferryError, withTimeout } from '@pageferry/errors';
import { killProcess, quit, type IncomingSession, type QmpClient } from '@pageferry/qemu';
import type { PageLayout } from '@pageferry/transfer';
import type { WireDisk } from '@pageferry/wire';
import type { WaitingQemu } from './drivers/driver.js';
import type { IncomingContext } from './incoming-context.js';
import type { IncomingMonitor } from './incoming-monitor.js';
import { PageReceiver } from './page-receiver.js';
import { PageRequestTimes } from './page-request-times.js';
import type { PageRequests } from './page-requests.js';
import { StorageRestore } from './storage/storage-restore.js';
import { settledFrame } from './storage/settled-frame.js';
import type { SharedDisks } from './storage/shared-disks.js';
import type { SourceLink } from './source-link.js';
import { TimedPageWriter } from './timed-page-writer.js';

const QUIT_TIMEOUT_MS = 10_000;
const KILL_TIMEOUT_MS = 5_000;

export interface IncomingGuestOptions {
  /** Undefined for one that an earlier run of this agent had provided. */
  readonly qemu?: WaitingQemu;
  /** See `processIdentity`. */
  readonly identity: string;
  readonly monitor: IncomingMonitor;
  readonly session: IncomingSession;
  readonly layout: PageLayout;
  readonly requests: PageRequests;
  /** Disks that pages may come from; it closes them. */
  readonly disks?: SharedDisks | undefined;
}

/** The QEMU that takes the guest in, from when it reads the migration stream. A failure of its ends the migration. */
export class IncomingGuest {
  readonly monitor: IncomingMonitor;
  readonly session: IncomingSession;
  readonly layout: PageLayout;
  readonly requests: PageRequests;
  readonly receiver: PageReceiver;
  /** If pages may come from disks that both hosts share. */
  readonly storage: StorageRestore | undefined;
  readonly #disks: SharedDisks | undefined;
  readonly #qemu: WaitingQemu | undefined;
  readonly #identity: string;
  readonly #log: Logger;

  constructor(
    { configuration, journal, link, log, pageArrived, abort }: IncomingContext,
    { qemu, identity, monitor, session, layout, requests, disks }: IncomingGuestOptions,
  ) {
    this.monitor = monitor;
    this.session = session;
    this.layout = layout;
    this.requests = requests;
    const times = new PageRequestTimes(() => this.receiver.missing, pageArrived);
    requests.measureBy(times);
    this.#disks = disks;
    this.storage = disks && this.#restoreFrom(disks, link);
    this.receiver = new PageReceiver({
      layout,
      session: new TimedPageWriter(session, times),
      window: configuration.windowBytes,
      source: link.frames,
      storage: this.storage,
    });
    this.#qemu = qemu;
    this.#identity = identity;
    this.#log = log;
    void session.failure.then(abort);
    void monitor.broken.then((reason) => {
      // A guest of this host that lacks pages gets them as long as QEMU reads its stream.
      if (journal.owner) log.warn({ err: reason }, 'the QMP connection is gone');
      else abort(new PageferryError('incoming-failed', 'the destination QEMU is gone', { cause: reason }));
    });
  }

  /** What the source is told of the disks that pages may come from. */
  get disks(): WireDisk[] {
    return this.#disks?.names ?? [];
  }

  /** No page comes from a disk any more. */
  async closeStorage(): Promise<void> {
    this.storage?.dropAll();
    await this.#disks?.close();
  }

  get qmp(): QmpClient {
    return this.monitor.qmp;
  }

  /** Ends QEMU, by force if need be, and waits until it is gone; false if it does not go. Never rejects. */
  async quit(): Promise<boolean> {
    this.session.close();
    const failure = await this.#quitByMonitor();
    const isGone = await this.#qemu?.release();
    if (failure === undefined || isGone === true || (await this.#kill())) return true;
    this.#log.error(
      { err: failure },
      'the destination QEMU does not end: it must be killed before it is used again',
    );
    return false;
  }

  #restoreFrom(disks: SharedDisks, link: SourceLink): StorageRestore {
    return new StorageRestore({
      layout: this.layout,
      disks,
      place: async (block, pages, count) => this.receiver.placeRestored(block, pages, count),
      settled: (batch, block, failed) => {
        // The source forgets what it has heard nothing of when the connection breaks.
        link.sendFrame(settledFrame(batch, block, failed));
      },
    });
  }

  /** Its main loop may wait for a page that never comes: whether it is gone. */
  async #kill(): Promise<boolean> {
    this.#log.warn('the destination QEMU does not hear that it is to end: it is killed');
    try {
      killProcess(this.#identity);
      await withTimeout(
        undefined,
        KILL_TIMEOUT_MS,
        'qmp-timeout',
        'it is still there',
        () => this.qmp.closed,
      );
      return true;
    } catch (thrown) {
      this.#log.error({ err: thrown }, 'the destination QEMU could not be killed');
      return false;
    }
  }

  /** Resolves with what it failed with. */
  async #quitByMonitor(): Promise<unknown> {
    try {
      await quitUnusable(this.qmp);
      await this.qmp.closed;
      return undefined;
    } catch (thrown) {
      return thrown;
    }
  }
}

/** Ends a QEMU that has been told to take a guest in: it cannot be used for another one. */
export async function quitUnusable(qmp: QmpClient): Promise<void> {
  await quit(qmp, { timeoutMs: QUIT_TIMEOUT_MS });
}
