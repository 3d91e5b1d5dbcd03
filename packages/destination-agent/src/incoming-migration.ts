import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { migrationLogger, StateMachine, type Journal, type Logger } from '@pageferry/daemon';
import { asPageferryError, type PageferryError } from '@pageferry/errors';
import { errorForWire, findingsForWire, type ControlOf } from '@pageferry/wire';
import type { DestinationConfiguration } from './configuration.js';
import type { IncomingDriver } from './drivers/driver.js';
import { endFailed } from './end-failed.js';
import { NEXT_STEP_TIMEOUT_MS, ROUNDS_TIMEOUT_MS, type IncomingContext } from './incoming-context.js';
import type { IncomingGuest } from './incoming-guest.js';
import { keeperPath } from './incoming-monitor.js';
import { IncomingJournal, type InterruptedPostcopy } from './incoming-journal.js';
import { viewIncoming, type IncomingView, type Viewed } from './incoming-view.js';
import { loadGuest } from './load-guest.js';
import { examineGuest, prepareGuest } from './prepare-guest.js';
import { receiveMissing, takeUp } from './receive-missing.js';
import { recoverPostcopy, runIfPaused } from './recover-postcopy.js';
import type { PeerNames } from './same-peer.js';
import type { SourceConnection } from './source-connection.js';
import { SourceLink } from './source-link.js';
import { standingOf } from './standing.js';
import { incomingStates } from './states.js';
import { takeOver } from './take-over.js';

export interface IncomingMigrationOptions {
  readonly id: string;
  readonly configuration: DestinationConfiguration;
  readonly driver: IncomingDriver;
  /** Of the source that began it. */
  readonly peers: PeerNames;
  readonly log: Logger;
  readonly journal: Journal;
  /** A post-copy that an earlier run of this agent did not bring to its end. */
  readonly interrupted?: InterruptedPostcopy;
  /** Hears how long guests waited for pages that they had asked for, seconds. */
  readonly pageArrived: (seconds: number) => void;
  /** Throws what keeps a new migration from beginning. */
  readonly admit: () => void;
}

/**
 * One guest on its way in. {@link run} brings it to its end: the guest runs here, or nothing of it is left. Until the
 * journal says `owner` every failure ends the waiting QEMU; from then on the guest belongs here, and a broken
 * connection only pauses the migration.
 */
export class IncomingMigration {
  readonly id: string;
  readonly peers: PeerNames;
  readonly #interrupted: InterruptedPostcopy | undefined;
  readonly #context: IncomingContext;
  readonly #scope = new AbortController();
  #request: Viewed['request'];
  #guest: IncomingGuest | undefined;
  #error: PageferryError | undefined;
  readonly #admit: () => void;
  #isDryRun = false;
  #settled: () => void = () => undefined;
  /** Resolves when it is settled who owns the guest, and that it is over if not this host. */
  readonly #ownershipSettled: Promise<void>;

  /** @param connection undefined while an interrupted post-copy waits for its source */
  constructor(connection: SourceConnection | undefined, options: IncomingMigrationOptions) {
    const { id, interrupted, configuration, driver, journal } = options;
    this.id = id;
    this.peers = options.peers;
    this.#interrupted = interrupted;
    this.#request = interrupted;
    this.#admit = options.admit;
    const log = migrationLogger(options.log, id);
    const states = new StateMachine(incomingStates, interrupted === undefined ? 'setup' : 'postcopy-paused');
    states.onTransition(({ state }) => {
      log.info({ state }, 'state');
    });
    this.#context = {
      configuration,
      driver,
      peers: options.peers,
      states,
      journal: new IncomingJournal(journal, log, interrupted !== undefined),
      link: new SourceLink(connection),
      log,
      pageArrived: options.pageArrived,
      directory: join(configuration.runtimeDirectory, id),
      keeper: keeperPath(configuration.runtimeDirectory, id),
      signal: this.#scope.signal,
      abort: (reason) => {
        this.#scope.abort(reason);
      },
    };
    this.#ownershipSettled = new Promise((resolve) => {
      this.#settled = resolve;
    });
  }

  get view(): IncomingView {
    return viewIncoming({
      id: this.id,
      context: this.#context,
      request: this.#request,
      guest: this.#guest,
      error: this.#error,
    });
  }

  get isOver(): boolean {
    return this.#context.states.isFinal;
  }

  /** This host's word on who has the guest. */
  get standing(): ControlOf<'standing'> {
    return standingOf(this.#context, this.#guest, this.isOver ? this.#error : undefined);
  }

  /** Whether the source has only asked what would become of it: nothing is to be left then. */
  get isDryRun(): boolean {
    return this.#isDryRun;
  }

  /** Never rejects: how it ended is in {@link view}, in the log and, if it listens, with the source. */
  async run(signal: AbortSignal): Promise<void> {
    const { link, log } = this.#context;
    const stop = (): void => {
      this.#scope.abort(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      await (this.#interrupted === undefined ? this.#begin() : this.#recover(this.#interrupted));
      if (this.#isDryRun) return;
      log.info({ guest: this.#request?.guest, received: this.view.received }, 'the guest is here');
    } catch (thrown) {
      this.#error = asPageferryError(thrown).on('destination');
      if (this.#isDryRun) await this.#refuseDryRun(this.#error);
      else await endFailed(this.#context, this.#guest, this.#error);
    } finally {
      signal.removeEventListener('abort', stop);
      this.#settled();
      // A connection may have come while the transfer ended by itself.
      await link.end(this.standing);
      await this.#close();
    }
  }

  /**
   * The source has connected again. Before the hand-over that means that it has given up: the migration ends. After it
   * the transfer goes on.
   */
  async reconnect(connection: SourceConnection): Promise<void> {
    const { link, states } = this.#context;
    const { peer } = connection;
    link.close();
    await this.#ownershipSettled;
    if (states.isFinal) {
      await peer.send(this.standing);
      // A source that takes its guest back would wait for the answer to its abort.
      peer.close();
      return;
    }
    link.offer(connection);
  }

  async #begin(): Promise<void> {
    const { link, log, signal } = this.#context;
    const asked = await link.peer.next(['prepare', 'examine'], { signal, timeoutMs: NEXT_STEP_TIMEOUT_MS });
    this.#request = asked;
    if (asked.type === 'prepare') {
      this.#admit();
      await this.#receive(asked);
      return;
    }
    this.#isDryRun = true;
    if (this.#context.driver.starts) this.#admit();
    const { findings, machine, disks } = await examineGuest(this.#context, asked);
    log.info({ guest: asked.guest, mode: asked.mode, findings, disks }, 'a dry run');
    const compared = disks && { disks };
    await link.tell({ type: 'examined', findings: findingsForWire(findings), machine, ...compared });
  }

  async #refuseDryRun(error: PageferryError): Promise<void> {
    this.#context.log.error({ err: error }, 'a dry run failed');
    await this.#context.link.tell({ type: 'failed', error: errorForWire(error) });
  }

  async #receive(prepare: ControlOf<'prepare'>): Promise<void> {
    const { states, link, signal } = this.#context;
    const next = { signal, timeoutMs: NEXT_STEP_TIMEOUT_MS };
    const guest = await prepareGuest(this.#context, prepare);
    this.#guest = guest;
    link.peer.onFrame = (frame) => {
      guest.receiver.take(frame);
    };
    states.transition('active');
    const disks = prepare.storage === true ? { disks: guest.disks } : {};
    await link.peer.send({ type: 'prepared', ...disks });
    const rounds = { signal, timeoutMs: ROUNDS_TIMEOUT_MS };
    const switchOver = await link.peer.next(['stale', 'device-state'], rounds);
    const deviceState =
      switchOver.type === 'device-state' ? switchOver : await link.peer.next(['device-state'], next);
    states.transition('device');
    const loaded = await loadGuest(this.#context, guest, deviceState);
    const { timings, running } = await takeOver(this.#context, guest, loaded, deviceState.postcopy);
    if (deviceState.postcopy) states.transition('postcopy-active');
    this.#settled();
    await link.tell({ type: 'running', timings });
    if (deviceState.postcopy) await receiveMissing(this.#context, guest);
    await running;
    await this.#complete();
  }

  /** Takes up a post-copy that lost its agent. */
  async #recover(interrupted: InterruptedPostcopy): Promise<void> {
    const { states, journal, log, signal } = this.#context;
    const guest = await recoverPostcopy(this.#context, interrupted);
    if (guest === undefined) {
      states.transition('postcopy-recover');
      states.transition('postcopy-active');
      await this.#complete();
      return;
    }
    this.#guest = guest;
    const running = runIfPaused(guest.qmp, interrupted.run, signal).then(
      () => journal.note({ event: 'running' }),
      (thrown: unknown) => {
        if (!signal.aborted)
          log.error({ err: thrown }, 'the guest could not be run; it gets its pages all the same');
      },
    );
    this.#settled();
    log.info(
      { guest: interrupted.guest, missing: guest.receiver.missing.count },
      'an interrupted post-copy was taken up: waiting for the source',
    );
    await takeUp(this.#context, guest);
    await receiveMissing(this.#context, guest);
    await running;
    await this.#complete();
  }

  async #complete(): Promise<void> {
    const { states, journal, link } = this.#context;
    await journal.note({ event: 'completed' });
    states.transition('completed');
    // The guest is whole and runs here, whether the source hears of it or not.
    await link.tell({ type: 'completed' });
  }

  async #close(): Promise<void> {
    const { directory, journal, states, log } = this.#context;
    const guest = this.#guest;
    await guest?.closeStorage();
    guest?.session.close();
    if (states.isFinal) await guest?.monitor.close();
    else guest?.monitor.leave();
    await rm(directory, { recursive: true, force: true }).catch(() => undefined);
    if (states.isFinal) await journal.note({ event: 'ended', view: this.view });
    await (this.#isDryRun ? journal.remove() : journal.close()).catch((thrown: unknown) => {
      log.error({ err: thrown }, 'the journal could not be closed');
    });
  }
}
