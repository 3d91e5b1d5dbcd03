import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  StateMachine,
  guestSocketPath,
  migrationLogger,
  problemOf,
  type Journal,
  type Logger,
  type Problem,
} from '@pageferry/daemon';
import { PageferryError, abortable, asPageferryError, sleep, type SerializedError } from '@pageferry/errors';
import { connectToDestination, type PeerConnection } from '@pageferry/link';
import { DirtyLog } from '@pageferry/qemu';
import { PageSet, PAGE_SIZE, type Iteration } from '@pageferry/transfer';
import {
  FrameKind,
  PROTOCOL_VERSIONS,
  checkRunsFrame,
  errorForWire,
  errorFromWire,
  readHeader,
  runAddress,
  runPages,
  type ControlOf,
  type RunningTimings,
} from '@pageferry/wire';
import { sendDeviceState, sendStalePages } from './announce-frames.js';
import type { SourceConfiguration } from './configuration.js';
import { FlowControl } from './flow-control.js';
import { NOTHING_SENT, PageSender, type SentCounts } from './page-sender.js';
import { PostcopySender } from './postcopy.js';
import { runPrecopy, type SwitchOverPlan } from './precopy.js';
import { Progress, type Downtime } from './progress.js';
import { NO_CAPS, whenStalled, type BandwidthCaps, type MigrationRequest } from './request.js';
import { SourceGuest } from './source-guest.js';
import { outgoingStates, type OutgoingHistory, type OutgoingState } from './states.js';
import { SOFTWARE_VERSION } from './version.js';

const ANSWER_TIMEOUT_MS = 30_000;
/** The destination's QEMU loads the device state; slow links bring the pages that it asks for meanwhile, ms. */
const READY_TIMEOUT_MS = 90_000;
/** After the last page QEMU only has to end its stream, ms. */
const COMPLETION_TIMEOUT_MS = 60_000;
const ABORT_TIMEOUT_MS = 15_000;
const FIRST_RECONNECT_PAUSE_MS = 200;
const LONGEST_RECONNECT_PAUSE_MS = 5_000;

export interface OutgoingMigrationOptions {
  readonly id: string;
  readonly request: MigrationRequest;
  readonly configuration: SourceConfiguration;
  readonly journal: Journal;
  readonly log: Logger;
  /** A hand-over whose end an earlier run of this agent did not see. */
  readonly interrupted?: InterruptedHandOver;
}

/** What the journal says of a guest that was given to the destination. */
export interface InterruptedHandOver {
  readonly request: MigrationRequest;
  readonly wasRunning: boolean;
  readonly postcopy: boolean;
  /** See `processIdentity`. */
  readonly qemu: string;
}

/** What stands in the journal. From `handed-over` on this host must not run the guest, unless it is `taken-back`. */
export type OutgoingRecord =
  | {
      readonly event: 'started';
      readonly request: MigrationRequest;
      readonly wasRunning: boolean;
      readonly qemu: string;
    }
  | { readonly event: 'stopping'; readonly postcopy: boolean }
  | { readonly event: 'handed-over' | 'taken-back' | 'rolled-back' | 'completed' }
  | { readonly event: 'failed'; readonly error: SerializedError };

/** What the HTTP API shows of an outgoing migration. Times in ms, rates in bytes a second. */
export interface OutgoingView {
  readonly id: string;
  readonly guest: string;
  readonly destination: { readonly url: string; readonly guest: string };
  readonly mode: MigrationRequest['mode'];
  readonly state: OutgoingState;
  readonly history: OutgoingHistory;
  readonly startedAt: number;
  readonly totalMs: number;
  readonly downtimeMs: number | null;
  readonly downtime: Downtime | null;
  readonly iterations: number;
  /** The newest iterations of pre-copy. */
  readonly iterationTable: readonly Iteration[];
  readonly memory: { readonly bytes: number; readonly pages: number } | null;
  readonly remainingPages: number;
  /** Limits, bytes a second; 0 where there is none. */
  readonly bandwidthCaps: BandwidthCaps;
  readonly pages: Readonly<SentCounts> & { readonly requested: number; readonly pushed: number };
  readonly bytes: { readonly sent: number };
  readonly bandwidth: number | null;
  readonly dirtyRate: number | null;
  readonly error: Problem | null;
}

/** Both ends of the transfer, from the preflight on. */
interface Transfer {
  readonly guest: SourceGuest;
  readonly flow: FlowControl;
  readonly sender: PageSender;
  /** Pages that the destination lacks, or has in an old version. */
  readonly pending: PageSet;
}

/**
 * One guest on its way out, as a state machine. Until the journal says `handed-over` every failure, and a cancel, leave
 * the guest running here and nothing of it on the destination. After it the destination decides; this host keeps the
 * stopped guest's memory until the destination has every page.
 */
export class OutgoingMigration {
  readonly id: string;
  readonly #options: OutgoingMigrationOptions;
  readonly #log: Logger;
  readonly #directory: string;
  readonly #states: StateMachine<OutgoingState>;
  readonly #progress = new Progress();
  readonly #scope = new AbortController();
  #switchOverForced = false;
  #bandwidthCaps: BandwidthCaps;
  #inPostcopy = false;
  #handedOver = false;
  #peer: PeerConnection | undefined;
  #guest: SourceGuest | undefined;
  /** The source's QEMU has ended, or its monitor has: there is nothing left to bring back. */
  #guestGone = false;
  #dirtyLog: DirtyLog | undefined;
  #transfer: Transfer | undefined;
  #error: PageferryError | undefined;

  constructor(options: OutgoingMigrationOptions) {
    this.id = options.id;
    this.#options = options;
    this.#bandwidthCaps = { ...NO_CAPS, ...options.request.bandwidthCaps };
    this.#log = migrationLogger(options.log, options.id);
    this.#directory = join(options.configuration.runtimeDirectory, options.id);
    const { interrupted } = options;
    this.#inPostcopy = interrupted?.postcopy === true;
    const handedOver = interrupted?.postcopy === true ? 'postcopy-paused' : 'device';
    this.#states = new StateMachine(outgoingStates, interrupted === undefined ? 'setup' : handedOver);
    this.#handedOver = interrupted !== undefined;
  }

  get view(): OutgoingView {
    const { request } = this.#options;
    const progress = this.#progress;
    const layout = this.#guest?.layout;
    const sent = this.#transfer?.sender.sent;
    return {
      id: this.id,
      guest: request.guest,
      destination: { url: request.destination.url, guest: this.#guestThere },
      mode: request.mode,
      state: this.#states.state,
      history: this.#states.history,
      startedAt: progress.startedAt,
      totalMs: progress.totalMs,
      downtimeMs: progress.downtimeMs,
      downtime: progress.downtime,
      iterations: progress.iterationTable.count,
      iterationTable: progress.iterationTable.rows,
      memory: layout === undefined ? null : { bytes: layout.bytes, pages: layout.pageCount },
      remainingPages: progress.remainingPages,
      bandwidthCaps: this.#bandwidthCaps,
      pages: {
        ...(sent ?? NOTHING_SENT),
        requested: progress.requests,
        pushed: progress.pushedPages,
      },
      bytes: { sent: this.#transfer?.flow.sentBytes ?? 0 },
      bandwidth: this.#transfer?.flow.bytesPerSecond ?? null,
      dirtyRate: progress.dirtyRate,
      error: this.#error === undefined ? null : problemOf(this.#error),
    };
  }

  get isOver(): boolean {
    return this.#states.isFinal;
  }

  /** Gives the migration up; the guest stays here. Error: `migration-state`, once the guest has been handed over. */
  cancel(): void {
    this.#refuseUnless(
      !this.#handedOver && !this.isOver,
      'it can be cancelled only before the guest is handed over',
    );
    this.#scope.abort(
      new PageferryError('cancelled', 'the migration was cancelled by request', { host: 'source' }),
    );
  }

  /** Stops the guest at the next opportunity, whatever is left. Error: `migration-state`, when it is stopped already. */
  forceSwitchOver(): void {
    const { state } = this.#states;
    this.#refuseUnless(state === 'setup' || state === 'active', 'the guest has been stopped already');
    this.#switchOverForced = true;
  }

  /** Changes what the request said, bytes a second; 0 for no limit. Error: `migration-state`, when it is over. */
  changeBandwidthCaps(caps: Partial<BandwidthCaps>): void {
    this.#refuseUnless(!this.isOver, 'it is over');
    this.#bandwidthCaps = { ...this.#bandwidthCaps, ...caps };
    const { precopy, postcopy } = this.#bandwidthCaps;
    this.#transfer?.flow.limitTo(this.#inPostcopy ? postcopy : precopy);
    this.#log.info({ bandwidthCaps: this.#bandwidthCaps }, 'the limits on the bandwidth have changed');
  }

  /** Never rejects: how it ended is in {@link view} and in the log. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => {
      // A daemon that ends while the destination lacks pages leaves them to its next run.
      this.#scope.abort(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      const { interrupted } = this.#options;
      await (interrupted === undefined ? this.#migrate() : this.#resume(interrupted));
      this.#progress.end();
      this.#transition('completed');
      this.#log.info({ result: this.view }, 'the guest has moved');
    } catch (thrown) {
      await this.#end(asPageferryError(thrown).on('source'));
    } finally {
      signal.removeEventListener('abort', stop);
      await this.#close();
    }
  }

  get #guestThere(): string {
    const { destination, guest } = this.#options.request;
    return destination.guest ?? guest;
  }

  get #signal(): AbortSignal {
    return this.#scope.signal;
  }

  async #migrate(): Promise<void> {
    const { mode } = this.#options.request;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const transfer = await this.#prepare();
    this.#transition('active');
    const { flow } = transfer;
    flow.limitTo(this.#bandwidthCaps.precopy);
    const plan = mode === 'postcopy' ? { postcopy: true } : await this.#precopy(transfer);
    this.#inPostcopy = plan.postcopy;
    if (plan.postcopy) flow.limitTo(this.#bandwidthCaps.postcopy);
    await this.#switchOver(transfer, plan);
    await this.#leave(transfer.guest);
  }

  /** Learns what became of a hand-over, and sends what the destination still lacks. */
  async #resume({ request, wasRunning, postcopy, qemu }: InterruptedHandOver): Promise<void> {
    const { guestDirectory, windowBytes } = this.#options.configuration;
    const guest = await SourceGuest.open(
      guestSocketPath(guestDirectory, request.guest),
      this.#signal,
      wasRunning,
    );
    if (guest.identity !== qemu) {
      guest.close();
      throw new PageferryError(
        'guest-state',
        'another QEMU has the place of the one whose guest was handed over',
      );
    }
    this.#watch(guest);
    const flow = new FlowControl(undefined, windowBytes, this.#signal);
    const sender = new PageSender(
      guest.layout,
      guest.memory,
      flow,
      this.#options.configuration.sentPagesBytes,
    );
    const pending = new PageSet(guest.layout);
    this.#transfer = { guest, flow, sender, pending };
    flow.limitTo(this.#bandwidthCaps.postcopy);
    const postcopySender = postcopy
      ? new PostcopySender(pending, sender, flow, this.#progress, undefined)
      : undefined;
    const standing = await this.#reconnect(postcopySender);
    if (standing.phase !== 'owner') {
      await this.#takeBack(new PageferryError('interrupted', 'the agent ended during the hand-over'));
    }
    if (postcopySender !== undefined && !standing.completed) await this.#pushAll(postcopySender);
    await this.#leave(guest);
  }

  /** Looks at the guest, reaches the destination, lets it compare the machines and open its QEMU. */
  async #prepare(): Promise<Transfer> {
    const { request, configuration } = this.#options;
    const signal = this.#signal;
    const guest = await SourceGuest.open(
      guestSocketPath(configuration.guestDirectory, request.guest),
      signal,
    );
    this.#watch(guest);
    const { peer, window } = await this.#connect(false);
    void peer.closed.then((reason) => {
      if (!this.#handedOver) this.#scope.abort(reason.on('source'));
    });
    await peer.send({ type: 'prepare', guest: this.#guestThere, mode: request.mode, machine: guest.machine });
    await peer.next(['prepared'], { signal, timeoutMs: ANSWER_TIMEOUT_MS });
    await this.#record({ event: 'started', request, wasRunning: guest.wasRunning, qemu: guest.identity });
    const flow = new FlowControl(peer, Math.min(window, configuration.windowBytes), signal);
    const pending = new PageSet(guest.layout);
    pending.fill();
    const sender = new PageSender(
      guest.layout,
      guest.memory,
      flow,
      this.#options.configuration.sentPagesBytes,
    );
    peer.onFrame = (frame) => {
      const header = readHeader(frame);
      if (header.kind !== FrameKind.ack) {
        throw new PageferryError('protocol-violation', `the destination sent a frame of kind ${header.kind}`);
      }
      flow.acknowledge(header.sequence);
    };
    this.#progress.remainingPages = guest.layout.pageCount;
    this.#transfer = { guest, flow, sender, pending };
    return this.#transfer;
  }

  /** Without its QEMU there is no migration, and none with a guest that someone else runs while it must stand still. */
  #watch(guest: SourceGuest): void {
    this.#guest = guest;
    guest.qmp.onEvent((name) => {
      if (name !== 'RESUME' || this.#handedOver) return;
      if (guest.wasRunning && this.#states.state !== 'device') return;
      this.#scope.abort(
        new PageferryError('guest-state', 'the guest was run by someone else while it had to stand still', {
          host: 'source',
        }),
      );
    });
    void guest.qmp.closed.then((reason) => {
      this.#guestGone = true;
      this.#scope.abort(
        new PageferryError('qmp-closed', "the source's QEMU is gone", { cause: reason, host: 'source' }),
      );
    });
  }

  async #precopy({ guest, flow, sender, pending }: Transfer): Promise<SwitchOverPlan> {
    const { downtimeLimitMs, timeLimitMs } = this.#options.request;
    if (!guest.wasRunning) {
      // Nothing changes in a guest that does not run: there is no log to read, and nobody waits for the last pages.
      await sender.sendAll(pending, this.#signal);
      return { postcopy: false };
    }
    this.#dirtyLog = await DirtyLog.open(guest.qmp, guest.layout, {
      directory: this.#directory,
      signal: this.#signal,
    });
    return runPrecopy({
      dirtyLog: this.#dirtyLog,
      sender,
      flow,
      pending,
      progress: this.#progress,
      downtimeLimitMs,
      timeLimitMs,
      whenStalled: whenStalled(this.#options.request),
      switchOverForced: () => this.#switchOverForced,
      log: this.#log,
      signal: this.#signal,
    });
  }

  /** Stops the guest here and lets it go on there; with post-copy, until the destination has every page. */
  async #switchOver(transfer: Transfer, { postcopy, hottest }: SwitchOverPlan): Promise<void> {
    const { guest, flow, sender, pending } = transfer;
    const signal = this.#signal;
    const peer = this.#connectedPeer;
    this.#transition('pre-switchover');
    await this.#record({ event: 'stopping', postcopy });
    // What is in flight would be waited for with the guest stopped; now it only writes a little more.
    await flow.drained();
    signal.throwIfAborted();
    this.#transition('device');

    const begun = performance.now();
    await guest.stop();
    const stopped = performance.now();
    const deviceState = await this.#finalState(guest, pending);
    const saved = performance.now();
    let postcopySender: PostcopySender | undefined;
    if (postcopy) {
      postcopySender = new PostcopySender(pending, sender, flow, this.#progress, hottest);
      await this.#announceStale(transfer, peer);
    } else {
      await sender.sendAll(pending, signal);
      this.#progress.remainingPages = 0;
    }
    await abortable(signal, peer.send({ type: 'device-state', bytes: deviceState.length, postcopy }));
    postcopySender?.serve(peer);
    await sendDeviceState(deviceState, flow, signal);
    const sent = performance.now();
    // Devices may ask for pages while they are loaded: the push begins with the first request, at the latest below.
    const pushing = postcopySender?.push(signal);
    // Whoever waits for it later gets the reason; until then it is nobody's business.
    pushing?.catch(() => undefined);
    await peer.next(['ready'], { signal, timeoutMs: READY_TIMEOUT_MS });
    const ready = performance.now();
    const timings = await this.#handOver(peer, guest.wasRunning, postcopySender);
    const running = performance.now();

    this.#progress.downtimeMs = running - begun;
    const { load, journal, resume } = timings.destination;
    const parts = {
      stop: stopped - begun,
      deviceState: saved - stopped,
      lastPages: sent - saved,
      load,
      journal: journal + timings.journal,
      resume,
    };
    const known = Object.values(parts).reduce((sum, part) => sum + part, 0);
    this.#progress.downtime = { ...parts, rest: Math.max(0, running - begun - known) };
    this.#log.info(
      { downtimeMs: running - begun, downtime: this.#progress.downtime, readyMs: ready - begun },
      'the guest runs on the destination',
    );
    if (postcopySender === undefined) await this.#awaitCompleted();
    else await this.#pushAll(postcopySender, pushing);
  }

  /** The last changed pages go into `pending`; answers the device state. */
  async #finalState(guest: SourceGuest, pending: PageSet): Promise<Buffer> {
    if (this.#dirtyLog !== undefined) return this.#dirtyLog.finish(pending, this.#signal);
    return guest.deviceState(this.#directory, this.#signal);
  }

  async #announceStale({ flow, pending }: Transfer, peer: PeerConnection): Promise<void> {
    // QEMU prepares itself for post-copy at the first discard: with nothing stale, a page goes once more.
    if (pending.count === 0) pending.add(0);
    pending.growToHostPages();
    this.#progress.remainingPages = pending.count;
    await abortable(this.#signal, peer.send({ type: 'stale', pages: pending.count }));
    await sendStalePages(pending, flow, this.#signal);
  }

  /** Journals the hand-over, says so, and learns what became of it. Throws when the guest is this host's again. */
  async #handOver(
    peer: PeerConnection,
    run: boolean,
    sender: PostcopySender | undefined,
  ): Promise<{ journal: number; destination: RunningTimings }> {
    this.#signal.throwIfAborted();
    const begun = performance.now();
    // Set first: a cancel that comes while the entry is written is too late.
    this.#handedOver = true;
    try {
      await this.#record({ event: 'handed-over' });
    } catch (thrown) {
      // Nothing has been said to the destination, so nothing has been given away.
      this.#handedOver = false;
      throw thrown;
    }
    const journal = performance.now() - begun;
    const answer = await this.#askOwner(peer, run, sender);
    if (answer instanceof PageferryError) return this.#takeBack(answer);
    return { journal, destination: answer };
  }

  /**
   * Gives the guest to the destination. Answers with its timings once it has it, or with the reason why it never had it.
   * Error: `ownership-unknown`.
   */
  async #askOwner(
    peer: PeerConnection,
    run: boolean,
    sender: PostcopySender | undefined,
  ): Promise<RunningTimings | PageferryError> {
    try {
      await peer.send({ type: 'hand-over', run });
      const answer = await peer.next(['running', 'returned'], { timeoutMs: READY_TIMEOUT_MS });
      if (answer.type === 'running') return answer.timings;
      return errorFromWire(answer.error).on('destination');
    } catch (thrown) {
      const reason = asPageferryError(thrown);
      this.#log.error({ err: reason }, 'it is not known whether the destination has the guest: asking again');
      const standing = await this.#reconnect(sender);
      return standing.phase === 'owner' ? { load: 0, journal: 0, resume: 0 } : reason;
    }
  }

  /** The destination has said that the guest is not, and will not be, its own. */
  async #takeBack(reason: PageferryError): Promise<never> {
    await this.#record({ event: 'taken-back' });
    this.#handedOver = false;
    throw reason;
  }

  /** Post-copy's second half: until the destination has every page, through any number of connections. */
  async #pushAll(sender: PostcopySender, begun?: Promise<void>): Promise<void> {
    this.#transition('postcopy-active');
    sender.begin();
    let pushing = begun;
    for (;;) {
      try {
        await (pushing ?? sender.push(this.#signal));
        await this.#connectedPeer.send({ type: 'all-sent' });
        await this.#connectedPeer.next(['completed'], { timeoutMs: COMPLETION_TIMEOUT_MS });
        return;
      } catch (thrown) {
        pushing = undefined;
        this.#signal.throwIfAborted();
        const reason = asPageferryError(thrown);
        this.#transition('postcopy-paused');
        this.#log.error(
          { err: reason, missing: sender.missingPages },
          'post-copy is paused: trying to reconnect',
        );
        const standing = await this.#reconnect(sender);
        if (standing.completed) return;
        this.#transition('postcopy-active');
        this.#log.info({ missing: sender.missingPages }, 'post-copy goes on');
      }
    }
  }

  /** After pre-copy the guest is complete where it runs; only the last word is missing. */
  async #awaitCompleted(): Promise<void> {
    try {
      await this.#connectedPeer.next(['completed'], { timeoutMs: ANSWER_TIMEOUT_MS });
    } catch (thrown) {
      this.#log.warn({ err: thrown }, 'the destination runs the guest, but did not say that all is done');
    }
  }

  /** What is left here: a QEMU that must never run the guest again. */
  async #leave(guest: SourceGuest): Promise<void> {
    if (this.#options.request.sourceAfter === 'quit') {
      await guest.quit();
    } else {
      await this.#dirtyLog?.giveUp();
    }
    await this.#record({ event: 'completed' });
  }

  async #connect(resume: boolean): Promise<{ peer: PeerConnection; window: number }> {
    const signal = this.#signal;
    const peer = await connectToDestination(this.#options.request.destination.url, signal);
    try {
      await peer.send({
        type: 'hello',
        ...PROTOCOL_VERSIONS,
        software: SOFTWARE_VERSION,
        migration: this.id,
        resume,
      });
      const { window } = await peer.next(['welcome'], { signal, timeoutMs: ANSWER_TIMEOUT_MS });
      this.#peer = peer;
      return { peer, window };
    } catch (thrown) {
      peer.close();
      throw thrown;
    }
  }

  /** Connects again, for as long as the configuration allows, and asks who has the guest. */
  async #reconnect(sender?: PostcopySender): Promise<ControlOf<'standing'>> {
    const deadline = performance.now() + this.#options.configuration.reconnectSeconds * 1000;
    this.#peer?.close();
    for (let pause = FIRST_RECONNECT_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_RECONNECT_PAUSE_MS)) {
      try {
        const { peer } = await this.#connect(true);
        if (this.#states.state === 'postcopy-paused') this.#transition('postcopy-recover');
        return await this.#takeStanding(peer, sender);
      } catch (thrown) {
        this.#signal.throwIfAborted();
        if (this.#states.state === 'postcopy-recover') this.#transition('postcopy-paused');
        if (performance.now() > deadline) {
          throw new PageferryError(
            'ownership-unknown',
            `the destination could not be reached again: ${asPageferryError(thrown).message}`,
            { cause: thrown },
          );
        }
        this.#log.debug({ err: thrown, pause }, 'the destination is not there yet');
        await sleep(pause, this.#signal);
      }
    }
  }

  /** The destination's word on who has the guest, and the pages that it lacks. */
  async #takeStanding(
    peer: PeerConnection,
    sender: PostcopySender | undefined,
  ): Promise<ControlOf<'standing'>> {
    const { flow, guest, pending } = this.#requireTransfer();
    const missing = new PageSet(guest.layout);
    let complete: () => void = () => undefined;
    const allNamed = new Promise<void>((resolve) => {
      complete = resolve;
    });
    let expected = Infinity;
    peer.onFrame = (frame) => {
      const header = readHeader(frame);
      const block = guest.layout.blocks[header.block];
      if (header.kind === FrameKind.requests) return;
      if (header.kind !== FrameKind.stale || block === undefined) {
        throw new PageferryError('protocol-violation', `the destination sent a frame of kind ${header.kind}`);
      }
      checkRunsFrame(frame, header, block.length);
      for (let index = 0; index < header.count; index++) {
        missing.addRange(block.firstPage + runAddress(frame, index) / PAGE_SIZE, runPages(frame, index));
      }
      if (missing.count >= expected) complete();
    };
    const standing = await peer.next(['standing'], { signal: this.#signal, timeoutMs: ANSWER_TIMEOUT_MS });
    if (standing.phase !== 'owner' || standing.completed) return standing;
    expected = standing.missing;
    if (missing.count < expected) {
      await Promise.race([
        allNamed,
        peer.closed.then((reason) => {
          throw reason;
        }),
      ]);
    }
    flow.reconnect(peer);
    pending.clear();
    pending.addAll(missing);
    sender?.serve(peer);
    return standing;
  }

  /** A failure or a cancel. Before the hand-over the guest goes on here; after it, it is the destination's. */
  async #end(error: PageferryError): Promise<void> {
    this.#error = error;
    this.#progress.end();
    if (this.#handedOver && error.code === 'interrupted') {
      // The journal stays open: the agent's next run goes on with what the destination lacks.
      this.#log.warn(
        'the agent ends before the destination has every page: it goes on when it is started again',
      );
      return;
    }
    if (this.#handedOver) {
      this.#log.error(
        { err: error },
        'the migration failed after the hand-over: the guest belongs to the destination',
      );
      await this.#record({ event: 'failed', error: error.toJSON() }).catch(() => undefined);
      this.#transition('failed');
      return;
    }
    const cancelled = error.code === 'cancelled';
    if (cancelled) this.#transition('cancelling');
    try {
      await this.#rollBack(error);
      this.#log[cancelled ? 'info' : 'error'](
        { err: error },
        'the migration was given up; the guest stays here',
      );
      this.#transition(cancelled ? 'cancelled' : 'failed');
    } catch (thrown) {
      this.#error = asPageferryError(thrown).on('source');
      this.#log.error({ err: thrown, first: error }, 'the guest could not be brought back to running');
      this.#transition('failed');
    }
  }

  async #rollBack(error: PageferryError): Promise<void> {
    const aborted = this.#abortPeer(error);
    const guest = this.#guest;
    try {
      if (guest !== undefined && !this.#guestGone) {
        await this.#dirtyLog?.giveUp().catch((thrown: unknown) => {
          // The guest matters more than its QEMU's settings.
          this.#log.error({ err: thrown }, 'the dirty log could not be ended');
        });
        await guest.takeBack();
      }
      await this.#record({ event: 'rolled-back' });
    } finally {
      await aborted;
    }
  }

  async #abortPeer(error: PageferryError): Promise<void> {
    const peer = this.#peer;
    if (peer?.isOpen !== true) return;
    try {
      await peer.send({ type: 'abort', error: errorForWire(error) });
      for (;;) {
        // What it said before it heard of this.
        const types = ['aborted', 'failed', 'prepared', 'ready', 'refused'] as const;
        const { type } = await peer.next(types, { timeoutMs: ABORT_TIMEOUT_MS });
        if (type === 'aborted' || type === 'failed' || type === 'refused') break;
      }
    } catch (thrown) {
      this.#log.debug({ err: thrown }, 'the destination did not confirm that it has given up');
    }
    peer.close();
  }

  async #close(): Promise<void> {
    this.#peer?.close();
    this.#guest?.close();
    await rm(this.#directory, { recursive: true, force: true }).catch(() => undefined);
    await this.#options.journal.close();
  }

  get #connectedPeer(): PeerConnection {
    if (this.#peer === undefined)
      throw new PageferryError('internal', 'there is no connection to the destination');
    return this.#peer;
  }

  #requireTransfer(): Transfer {
    if (this.#transfer === undefined) throw new PageferryError('internal', 'the transfer has not begun');
    return this.#transfer;
  }

  #refuseUnless(allowed: boolean, why: string): void {
    if (allowed) return;
    throw new PageferryError(
      'migration-state',
      `the migration is in the state ${this.#states.state}: ${why}`,
    );
  }

  async #record(record: OutgoingRecord): Promise<void> {
    await this.#options.journal.append(record);
  }

  #transition(state: OutgoingState): void {
    this.#states.transition(state);
    this.#log.info({ state }, 'state');
  }
}
