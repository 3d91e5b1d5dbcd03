import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EventFeed, StateMachine, migrationLogger, type Journal, type Logger } from '@pageferry/daemon';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import type { SourceConfiguration } from './configuration.js';
import { DestinationLink } from './destination-link.js';
import { finishPostcopy } from './finish.js';
import { FlowControl } from './flow-control.js';
import { connectGuest } from './guest-monitor.js';
import type { OutgoingContext } from './outgoing-context.js';
import { OutgoingJournal, type InterruptedHandOver } from './outgoing-journal.js';
import { viewOutgoing, type OutgoingView } from './outgoing-view.js';
import { PostcopySender } from './postcopy.js';
import { planSwitchOver } from './plan-switch-over.js';
import { prepareTransfer } from './prepare-transfer.js';
import { Progress } from './progress.js';
import { reconnect } from './reconnect.js';
import type { Route } from './route.js';
import type { KnownGuests } from './page-filter/known-guests.js';
import { openPageFilter } from './page-filter/open-page-filter.js';
import {
  filteredPages,
  type BandwidthCaps,
  type MigrationChange,
  type MigrationRequest,
  type SwitchOverWith,
} from './request.js';
import { endFailed } from './end-failed.js';
import { SourceGuest } from './source-guest.js';
import { outgoingStates } from './states.js';
import { Steering } from './steering.js';
import { STALL_LIMIT_MS } from './stall-watch.js';
import { switchOver } from './switch-over.js';
import { Transfer } from './transfer.js';

/** Between two events of a migration that goes on, ms. */
const PROGRESS_INTERVAL_MS = 500;

export interface OutgoingMigrationOptions {
  readonly id: string;
  readonly request: MigrationRequest;
  readonly configuration: SourceConfiguration;
  readonly knownGuests: KnownGuests;
  readonly journal: Journal;
  readonly log: Logger;
  readonly route: Route;
  /** A hand-over whose end an earlier run of this agent did not see. */
  readonly interrupted?: InterruptedHandOver;
}

/**
 * One guest on its way out, as a state machine. Until the journal says `handed-over` every failure, and a cancel, leave
 * the guest running here and nothing of it on the destination. After it the destination decides; this host keeps the
 * stopped guest's memory until the destination has every page.
 */
export class OutgoingMigration {
  readonly id: string;
  readonly #interrupted: InterruptedHandOver | undefined;
  readonly #context: OutgoingContext;
  readonly #scope = new AbortController();
  readonly #feed = new EventFeed();
  /** Resolves when it is over, or left to the agent's next run: with why the guest has not moved, if it has not. */
  readonly over: Promise<PageferryError | undefined>;
  /** Number of the newest iteration that the feed has told of. */
  #toldIterations = 0;
  #inPostcopy: boolean;
  #guest: SourceGuest | undefined;
  #ended: (error: PageferryError | undefined) => void = () => undefined;
  #transfer: Transfer | undefined;
  #error: PageferryError | undefined;

  constructor({
    id,
    request,
    configuration,
    knownGuests,
    journal,
    interrupted,
    route,
    ...options
  }: OutgoingMigrationOptions) {
    this.id = id;
    this.over = new Promise((resolve) => {
      this.#ended = resolve;
    });
    this.#interrupted = interrupted;
    this.#inPostcopy = interrupted?.postcopy === true;
    const log = migrationLogger(options.log, id);
    const handedOver = this.#inPostcopy ? 'postcopy-paused' : 'device';
    const states = new StateMachine(outgoingStates, interrupted === undefined ? 'setup' : handedOver);
    states.onTransition(({ state }) => {
      log.info({ state }, 'state');
      if (!states.isFinal) this.#tell('state');
    });
    const { signal } = this.#scope;
    const { reconnectSeconds, runtimeDirectory } = configuration;
    this.#context = {
      request,
      steering: new Steering(request),
      configuration,
      knownGuests,
      states,
      journal: new OutgoingJournal(journal, interrupted !== undefined),
      link: new DestinationLink({ id, route, reconnectSeconds, log, signal }),
      route,
      progress: new Progress(),
      log,
      directory: join(runtimeDirectory, id),
      signal,
    };
  }

  get view(): OutgoingView {
    return viewOutgoing({
      id: this.id,
      context: this.#context,
      guest: this.#guest,
      transfer: this.#transfer,
      error: this.#error,
    });
  }

  get guestName(): string {
    return this.#context.request.guest;
  }

  /** What happens to it, for those who follow it; the data are views. */
  get feed(): EventFeed {
    return this.#feed;
  }

  get isOver(): boolean {
    return this.#context.states.isFinal;
  }

  /** Gives the migration up; the guest stays here. Error: `migration-state`, once the guest has been handed over. */
  cancel(): void {
    this.#refuseUnless(
      !this.#context.journal.handedOver && !this.isOver,
      'it can be cancelled only before the guest is handed over',
    );
    this.#abort('cancelled', 'the migration was cancelled by request');
  }

  /**
   * Stops the guest at the next opportunity, whatever is left.
   * @throws `migration-state`, when it is stopped already; `request-invalid`, for what the mode does not allow
   */
  forceSwitchOver(by?: SwitchOverWith): void {
    this.#refuseUnless(this.#isBeforeStop, 'the guest has been stopped already');
    this.#context.steering.forceSwitchOver(by);
  }

  /** Changes what the request said. Errors: `migration-state`, when it is too late for that; `request-invalid`. */
  change(change: MigrationChange): void {
    this.#refuseUnless(!this.isOver, 'it is over');
    const { bandwidthCaps, ...limits } = change;
    const isAboutPrecopy = Object.keys(limits).length > 0;
    this.#refuseUnless(!isAboutPrecopy || this.#isBeforeStop, 'pre-copy is over');
    this.#context.steering.change(change);
    if (bandwidthCaps !== undefined) this.#limitBandwidth();
    this.#context.log.info({ change }, 'what was requested has changed');
  }

  /** Tries to reach the destination again at once. Error: `migration-state`, if it is not lost. */
  recover(): void {
    this.#refuseUnless(this.#context.link.hurry(), 'it does not wait to reach the destination again');
  }

  /** Never rejects: how it ended is in {@link view} and in the log. */
  async run(signal: AbortSignal): Promise<void> {
    const { states, progress, log } = this.#context;
    const stop = (): void => {
      // A daemon that ends while the destination lacks pages leaves them to its next run.
      this.#scope.abort(signal.reason);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    const telling = setInterval(() => {
      this.#tell('progress');
    }, PROGRESS_INTERVAL_MS);
    try {
      await (this.#interrupted === undefined ? this.#migrate() : this.#resume(this.#interrupted));
      progress.end();
      states.transition('completed');
      log.info({ result: this.view }, 'the guest has moved');
    } catch (thrown) {
      this.#error = this.#causeOf(thrown).on('source');
      progress.end();
      this.#error = await endFailed(this.#context, this.#guest, this.#error);
    } finally {
      signal.removeEventListener('abort', stop);
      clearInterval(telling);
      await this.#close();
      this.#ended(this.#error);
    }
  }

  async #migrate(): Promise<void> {
    const { states, directory } = this.#context;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const guest = await this.#openGuest();
    const transfer = await this.#reachDestination(guest);
    states.transition('active');
    this.#limitBandwidth();
    const plan = await planSwitchOver(this.#context, transfer);
    this.#inPostcopy = plan.postcopy;
    if (plan.postcopy) this.#limitBandwidth();
    await switchOver(this.#context, transfer, plan);
    await this.#leave(guest);
  }

  /** Learns what became of a hand-over, and sends what the destination still lacks. */
  async #resume({ wasRunning, postcopy, qemu }: InterruptedHandOver): Promise<void> {
    const { configuration, knownGuests, route, journal, progress, log, signal } = this.#context;
    const guest = await this.#openGuest(wasRunning);
    if (guest.identity !== qemu) {
      throw new PageferryError(
        'guest-state',
        'another QEMU has the place of the one whose guest was handed over',
      );
    }
    const flow = new FlowControl(undefined, configuration.windowBytes, signal, route.flow);
    // What the destination says that it lacks goes as it is.
    const filter = openPageFilter(guest, { free: false, cache: false }, { knownGuests, log, signal });
    const transfer = new Transfer(guest, flow, filter, configuration.sentPagesBytes);
    this.#transfer = transfer;
    this.#limitBandwidth();
    const { pending, sender } = transfer;
    if (postcopy) transfer.postcopy = new PostcopySender(pending, sender, flow, progress, undefined);
    const standing = await reconnect(this.#context, transfer);
    if (standing.phase !== 'owner') {
      await journal.takeBack();
      throw new PageferryError('interrupted', 'the agent ended during the hand-over');
    }
    if (transfer.postcopy !== undefined && !standing.completed) {
      await finishPostcopy(this.#context, transfer, transfer.postcopy);
    }
    await this.#leave(guest);
  }

  /**
   * Without its QEMU there is no migration, and none with a guest that someone else runs while it must stand still.
   * @param wasRunning see `SourceGuest.open`
   */
  async #openGuest(wasRunning?: boolean): Promise<SourceGuest> {
    const { request, configuration, states, journal, signal } = this.#context;
    const qmp = await connectGuest(configuration, request.guest, { events: true, signal });
    const guest = await SourceGuest.open(qmp, signal, wasRunning);
    this.#guest = guest;
    guest.qmp.onEvent((name) => {
      if (name !== 'RESUME' || journal.handedOver) return;
      if (guest.wasRunning && states.state !== 'device') return;
      this.#abort('guest-state', 'the guest was run by someone else while it had to stand still');
    });
    void guest.qmp.closed.then((cause) => {
      this.#abort('qmp-closed', "the source's QEMU is gone", cause);
    });
    return guest;
  }

  /** From here on a broken connection, or a destination that hangs, ends the migration, until the guest is handed over. */
  async #reachDestination(guest: SourceGuest): Promise<Transfer> {
    const { request, knownGuests, link, journal, log, signal } = this.#context;
    const filter = openPageFilter(guest, filteredPages(request), { knownGuests, log, signal });
    // Its kernel is searched for while the destination prepares itself; with post-copy alone once it stands still.
    if (request.mode !== 'postcopy') filter.start();
    const window = await link.connect();
    void link.peer.closed.then((reason) => {
      if (!journal.handedOver) this.#scope.abort(reason.on('source'));
    });
    const transfer = await prepareTransfer(this.#context, guest, filter, window);
    transfer.flow.onStall = () => {
      const message = `the destination has taken in no memory for ${STALL_LIMIT_MS / 1000} s`;
      if (journal.handedOver) log.warn(`${message}: others go before it`);
      else this.#scope.abort(new PageferryError('peer-timeout', message, { host: 'destination' }));
    };
    this.#transfer = transfer;
    return transfer;
  }

  /** What is left here: a QEMU that must never run the guest again. */
  async #leave(guest: SourceGuest): Promise<void> {
    const { request, journal, log } = this.#context;
    try {
      if (request.sourceAfter === 'quit') await guest.quit();
      else await guest.endDirtyLog();
    } catch (thrown) {
      // The guest is where it was to go, whatever becomes of what it has left.
      log.error({ err: thrown }, 'the guest has moved, and the QEMU that it left does not answer: end it');
    }
    await journal.record({ event: 'completed' });
  }

  async #close(): Promise<void> {
    const { link, route, progress, directory, journal } = this.#context;
    route.turn.release(progress);
    await this.#transfer?.unknownGuest?.close();
    this.#transfer?.flow.close();
    link.close();
    this.#guest?.close();
    await rm(directory, { recursive: true, force: true }).catch(() => undefined);
    if (this.isOver) await this.#end();
    await journal.close();
  }

  /** Leaves what the API goes on to show. */
  async #end(): Promise<void> {
    const { journal, log } = this.#context;
    const { view } = this;
    await journal.record({ event: 'ended', view, events: this.#feed.newest + 1 }).catch((thrown: unknown) => {
      log.warn(
        { err: thrown },
        'the migration will not be listed any more after the next start of this agent',
      );
    });
    this.#feed.end('end', () => view);
  }

  #tell(event: 'state' | 'progress'): void {
    const told = this.#toldIterations;
    this.#toldIterations = this.#context.progress.iterationTable.count;
    this.#feed.publish(event, () => {
      const { view } = this;
      return { ...view, iterationTable: view.iterationTable.filter(({ number }) => number > told) };
    });
  }

  /** Node's own waits reject with an `AbortError`, and leave out what they were aborted for. */
  #causeOf(thrown: unknown): PageferryError {
    const { signal } = this.#context;
    const isAbort = thrown instanceof Error && thrown.name === 'AbortError';
    return asPageferryError(isAbort && signal.aborted ? signal.reason : thrown);
  }

  get #isBeforeStop(): boolean {
    const { state } = this.#context.states;
    return state === 'setup' || state === 'active';
  }

  #limitBandwidth(): void {
    const { precopy, postcopy }: BandwidthCaps = this.#context.steering.bandwidthCaps;
    this.#transfer?.flow.limitTo(this.#inPostcopy ? postcopy : precopy);
  }

  #abort(code: 'cancelled' | 'guest-state' | 'qmp-closed', message: string, cause?: unknown): void {
    this.#scope.abort(new PageferryError(code, message, { cause, host: 'source' }));
  }

  #refuseUnless(allowed: boolean, why: string): void {
    if (allowed) return;
    const { state } = this.#context.states;
    throw new PageferryError('migration-state', `the migration is in the state ${state}: ${why}`);
  }
}
