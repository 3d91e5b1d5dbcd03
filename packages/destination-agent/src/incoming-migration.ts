import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Value } from '@sinclair/typebox/value';
import { guestSocketPath, migrationLogger, StateMachine, type Journal, type Logger } from '@pageferry/daemon';
import { PageferryError, abortable, asPageferryError, sleep, type SerializedError } from '@pageferry/errors';
import type { PeerConnection } from '@pageferry/link';
import {
  IncomingSession,
  MachineDescriptionSchema,
  MigrationSettings,
  QmpClient,
  compareMachines,
  continueGuest,
  describeMachine,
  processIdentity,
  quit,
  requireSupportedVersion,
  runState,
  type MachineDescription,
} from '@pageferry/qemu';
import { PAGE_SIZE, PageLayout, PageSet, type Block, type BlockShape } from '@pageferry/transfer';
import { errorForWire, type ControlOf, type MigrationMode, type RunningTimings } from '@pageferry/wire';
import { acknowledgeFrame, missingFrames, requestFrame } from './answer-frames.js';
import type { DestinationConfiguration } from './configuration.js';
import { PageReceiver, type FrameSource, type ReceivedCounts } from './page-receiver.js';
import { incomingStates, type IncomingHistory, type IncomingState } from './states.js';

/** The source compares machines and sets its dirty log up in between, ms. */
const NEXT_STEP_TIMEOUT_MS = 60_000;
/** Pre-copy of a large guest over a slow link takes long; a source that is gone is noticed by its silence, ms. */
const ROUNDS_TIMEOUT_MS = 7 * 24 * 3_600_000;
const QUIT_TIMEOUT_MS = 10_000;
const QMP_PAUSE_MS = 2_000;

export interface IncomingMigrationOptions {
  readonly id: string;
  readonly configuration: DestinationConfiguration;
  readonly log: Logger;
  readonly journal: Journal;
  /** A post-copy that an earlier run of this agent did not bring to its end. */
  readonly interrupted?: InterruptedPostcopy;
}

/** What the journal says of a guest that belongs to this host and lacks pages. */
export interface InterruptedPostcopy {
  readonly guest: string;
  readonly mode: MigrationMode;
  readonly run: boolean;
  readonly blocks: readonly BlockShape[];
  /** See `processIdentity`. */
  readonly qemu: string;
}

/** What the HTTP API shows of an incoming migration. */
export interface IncomingView {
  readonly id: string;
  readonly guest: string | null;
  readonly mode: MigrationMode | null;
  readonly state: IncomingState;
  readonly history: IncomingHistory;
  readonly owner: boolean;
  readonly received: ReceivedCounts;
  readonly missingPages: number;
  readonly pageRequests: number;
  readonly error: SerializedError | null;
}

/** What stands in the journal; after `owner` the guest belongs to this host. */
export type IncomingRecord =
  | {
      readonly event: 'preparing';
      readonly guest: string;
      readonly mode: MigrationMode;
      readonly blocks: readonly BlockShape[];
      /** See `processIdentity`. */
      readonly qemu: string;
    }
  | { readonly event: 'ready'; readonly postcopy: boolean }
  | { readonly event: 'owner'; readonly run: boolean }
  | { readonly event: 'running' | 'completed' | 'returned' | 'aborted' }
  | { readonly event: 'failed'; readonly error: SerializedError };

/** The QEMU side of a migration: from the preflight until the stream has ended. */
interface Incoming {
  readonly qmp: QmpClient;
  readonly session: IncomingSession;
  readonly receiver: PageReceiver;
  readonly layout: PageLayout;
  /** Pages that the guest has asked for. */
  readonly requested: PageSet;
}

/**
 * One guest on its way in. {@link run} brings it to its end: the guest runs here, or nothing of it is left. Until the
 * journal says `owner` every failure ends the waiting QEMU; from then on the guest belongs here, and a broken
 * connection only pauses the migration.
 */
export class IncomingMigration {
  readonly id: string;
  readonly #options: IncomingMigrationOptions;
  readonly #log: Logger;
  readonly #states: StateMachine<IncomingState>;
  readonly #directory: string;
  #guest: string | null = null;
  #mode: MigrationMode | null = null;
  #incoming: Incoming | undefined;
  /** Undefined while an interrupted post-copy waits for its source. */
  #peer: PeerConnection | undefined;
  #owner = false;
  #returned = false;
  #pageRequests = 0;
  #error: PageferryError | undefined;
  /** A new connection of the source's, which nobody has taken up yet. */
  #waitingPeer: PeerConnection | undefined;
  #peerArrived: () => void = () => undefined;
  #settled: () => void = () => undefined;
  /** Resolves when it is settled who owns the guest, and that it is over if not this host. */
  readonly ownershipSettled: Promise<void>;

  constructor(peer: PeerConnection | undefined, options: IncomingMigrationOptions) {
    const { interrupted } = options;
    this.id = options.id;
    this.#peer = peer;
    this.#options = options;
    this.#states = new StateMachine(incomingStates, interrupted === undefined ? 'setup' : 'postcopy-paused');
    this.#owner = interrupted !== undefined;
    this.#guest = interrupted?.guest ?? null;
    this.#mode = interrupted?.mode ?? null;
    this.#log = migrationLogger(options.log, options.id);
    this.#directory = join(options.configuration.runtimeDirectory, options.id);
    this.ownershipSettled = new Promise((resolve) => {
      this.#settled = resolve;
    });
  }

  get view(): IncomingView {
    return {
      id: this.id,
      guest: this.#guest,
      mode: this.#mode,
      state: this.#states.state,
      history: this.#states.history,
      owner: this.#owner,
      received: this.#incoming?.receiver.counts ?? { normalPages: 0, deltaPages: 0, zeroPages: 0, bytes: 0 },
      missingPages: this.#incoming?.receiver.missing.count ?? 0,
      pageRequests: this.#pageRequests,
      error: this.#error?.toJSON() ?? null,
    };
  }

  get standing(): ControlOf<'standing'> {
    return {
      type: 'standing',
      phase: this.#owner ? 'owner' : this.#returned ? 'returned' : 'unknown',
      completed: this.#states.state === 'completed',
      missing: this.#owner ? (this.#incoming?.receiver.missing.count ?? 0) : 0,
    };
  }

  /** Never rejects: how it ended is in {@link view}, in the log and, if it listens, with the source. */
  async run(signal: AbortSignal): Promise<void> {
    const scope = new AbortController();
    const stop = (): void => {
      scope.abort(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      const { interrupted } = this.#options;
      await (interrupted === undefined ? this.#receive(scope) : this.#recover(interrupted, scope));
      this.#log.info({ guest: this.#guest, received: this.view.received }, 'the guest is here');
    } catch (thrown) {
      await this.#end(asPageferryError(thrown).on('destination'));
    } finally {
      signal.removeEventListener('abort', stop);
      this.#settled();
      // One that came while the transfer ended by itself.
      await this.#waitingPeer?.send(this.standing).catch(() => undefined);
      this.#waitingPeer?.close();
      this.#peer?.close();
      await this.#close();
    }
  }

  /**
   * The source has connected again. Before the hand-over that means that it has given up: the migration ends. After it
   * the transfer goes on.
   */
  async reconnect(peer: PeerConnection): Promise<void> {
    this.#peer?.close();
    await this.ownershipSettled;
    if (this.#states.isFinal) {
      await peer.send(this.standing);
      // A source that takes its guest back would wait for the answer to its abort.
      peer.close();
      return;
    }
    this.#waitingPeer?.close();
    this.#waitingPeer = peer;
    this.#peerArrived();
  }

  async #receive(scope: AbortController): Promise<void> {
    const { signal } = scope;
    const incoming = await this.#prepare(scope);
    const switchOver = await this.#connectedPeer.next(['stale', 'device-state'], {
      signal,
      timeoutMs: ROUNDS_TIMEOUT_MS,
    });
    const announced =
      switchOver.type === 'device-state'
        ? switchOver
        : await this.#connectedPeer.next(['device-state'], { signal, timeoutMs: NEXT_STEP_TIMEOUT_MS });
    this.#transition('device');
    const timings = await this.#load(incoming, announced, signal);
    await this.#takeOver(incoming, announced.postcopy, timings, signal);
    if (announced.postcopy) await this.#receiveMissing(incoming, signal);
    await this.#complete();
  }

  /** Takes up a post-copy that lost its agent: QEMU says what it has, the source brings the rest. */
  async #recover({ guest, run, blocks, qemu }: InterruptedPostcopy, scope: AbortController): Promise<void> {
    const { signal } = scope;
    const qmp = await this.#connectPatiently(guest, signal);
    if ((await processIdentity(qmp, { signal })) !== qemu) {
      qmp.close();
      throw new PageferryError('guest-state', 'another QEMU has the place of the one that took the guest in');
    }
    if ((await describeMachine(qmp, { signal })).migrationStatus === 'completed') {
      // Post-copy ended just before the agent did.
      if (run && !(await runState(qmp)).running) await continueGuest(qmp);
      qmp.close();
      this.#transition('postcopy-recover');
      this.#transition('postcopy-active');
      await this.#complete();
      return;
    }
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const layout = new PageLayout(blocks);
    const missing = new PageSet(layout);
    missing.fill();
    const session = await IncomingSession.recover(
      qmp,
      { directory: this.#directory, blocks, signal, onRequest: this.#onRequest },
      (blockName, bitmap) => {
        removeReceived(missing, layout.blockNamed(blockName), bitmap);
      },
    );
    const incoming = this.#adopt(qmp, session, layout, scope);
    incoming.receiver.missing.addAll(missing);
    incoming.receiver.enterPostcopy();
    if (run && !(await runState(qmp)).running) await continueGuest(qmp);
    await this.#note({ event: 'running' });
    this.#settled();
    this.#log.info(
      { guest, missing: missing.count },
      'an interrupted post-copy was taken up: waiting for the source',
    );
    await this.#takeUp(incoming, signal);
    await this.#receiveMissing(incoming, signal);
    await this.#complete();
  }

  /** A QEMU whose guest waits for a page may not answer at once: as long as it is there it is asked again. */
  async #connectPatiently(guest: string, signal: AbortSignal): Promise<QmpClient> {
    const path = guestSocketPath(this.#options.configuration.guestDirectory, guest);
    for (;;) {
      try {
        return await QmpClient.connect(path, { signal });
      } catch (thrown) {
        signal.throwIfAborted();
        const error = asPageferryError(thrown);
        if (error.code !== 'qmp-timeout') throw error;
        this.#log.error(
          { err: error, guest },
          'the QEMU of an interrupted post-copy does not answer: trying again',
        );
        await sleep(QMP_PAUSE_MS, signal);
      }
    }
  }

  async #complete(): Promise<void> {
    await this.#note({ event: 'completed' });
    this.#transition('completed');
    // The guest is whole and runs here, whether the source hears of it or not.
    await this.#peer?.send({ type: 'completed' }).catch(() => undefined);
  }

  /** From here on a failure of QEMU's ends the migration. */
  #adopt(qmp: QmpClient, session: IncomingSession, layout: PageLayout, scope: AbortController): Incoming {
    const receiver = new PageReceiver({
      layout,
      session,
      window: this.#options.configuration.windowBytes,
      source: frameSource(this.#peer),
    });
    this.#incoming = { qmp, session, receiver, layout, requested: new PageSet(layout) };
    void session.failure.then((failure) => {
      scope.abort(failure);
    });
    void qmp.closed.then((reason) => {
      scope.abort(new PageferryError('incoming-failed', 'the destination QEMU is gone', { cause: reason }));
    });
    return this.#incoming;
  }

  /** Preflight, and QEMU's incoming side. */
  async #prepare(scope: AbortController): Promise<Incoming> {
    const { configuration } = this.#options;
    const { signal } = scope;
    const peer = this.#connectedPeer;
    const prepare = await peer.next(['prepare'], { signal, timeoutMs: NEXT_STEP_TIMEOUT_MS });
    const source = checkMachine(prepare.machine);
    const postcopy = prepare.mode !== 'precopy';
    this.#guest = prepare.guest;
    this.#mode = prepare.mode;
    const qmp = await QmpClient.connect(guestSocketPath(configuration.guestDirectory, prepare.guest), {
      signal,
    });
    try {
      requireSupportedVersion(qmp.greeting);
      const findings = compareMachines(source, await describeMachine(qmp, { signal }), { postcopy });
      if (postcopy && findings.length === 0) findings.push(...(await postcopyObstacles(qmp, signal)));
      if (findings.length > 0) {
        throw new PageferryError('preflight-failed', findings.join('; '), { findings });
      }
      await this.#record({
        event: 'preparing',
        guest: prepare.guest,
        mode: prepare.mode,
        blocks: source.ramBlocks,
        qemu: await processIdentity(qmp, { signal }),
      });
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      const layout = new PageLayout(source.ramBlocks);
      this.#log.info(
        { guest: prepare.guest, mode: prepare.mode, bytes: layout.bytes },
        'a guest is coming in',
      );
      let session: IncomingSession;
      try {
        session = await IncomingSession.open(qmp, {
          directory: this.#directory,
          machineType: source.machineType,
          blocks: source.ramBlocks,
          postcopy,
          signal,
          onRequest: this.#onRequest,
        });
      } catch (thrown) {
        // QEMU has been told to take a guest in: it cannot be used for another one.
        await quit(qmp, { timeoutMs: QUIT_TIMEOUT_MS }).catch(() => undefined);
        throw thrown;
      }
      const incoming = this.#adopt(qmp, session, layout, scope);
      peer.onFrame = (frame) => {
        incoming.receiver.take(frame);
      };
      this.#transition('active');
      await peer.send({ type: 'prepared' });
      return incoming;
    } catch (thrown) {
      if (this.#incoming === undefined) qmp.close();
      throw thrown;
    }
  }

  /** Everything that QEMU needs to run the guest; resolves when it has loaded it. */
  async #load(
    { session, receiver, layout }: Incoming,
    { bytes, postcopy }: ControlOf<'device-state'>,
    signal: AbortSignal,
  ): Promise<RunningTimings> {
    // In the turn of the announcement: the frames may follow at once.
    const deviceState = await receiver.receiveDeviceState(bytes);
    const begun = performance.now();
    if (postcopy) {
      const loaded = session.loadPostcopy(
        (discard) => {
          forEachStaleRange(layout, receiver.missing, discard);
        },
        deviceState,
        signal,
      );
      receiver.enterPostcopy();
      await loaded;
    } else {
      await session.loadPrecopy(deviceState, signal);
    }
    const loadedAt = performance.now();
    await this.#record({ event: 'ready', postcopy });
    return { load: loadedAt - begun, journal: performance.now() - loadedAt, resume: 0 };
  }

  /** From `ready` to the running guest. When it throws `returned`, the source has the guest again. */
  async #takeOver(
    { qmp }: Incoming,
    postcopy: boolean,
    timings: RunningTimings,
    signal: AbortSignal,
  ): Promise<void> {
    const peer = this.#connectedPeer;
    await peer.send({ type: 'ready' });
    const { run } = await peer.next(['hand-over'], { signal, timeoutMs: NEXT_STEP_TIMEOUT_MS });
    const begun = performance.now();
    await this.#record({ event: 'owner', run });
    this.#owner = true;
    const journalled = performance.now();
    try {
      if (run) await continueGuest(qmp);
    } catch (thrown) {
      await this.#giveBack(asPageferryError(thrown));
    }
    await this.#note({ event: 'running' });
    if (postcopy) this.#transition('postcopy-active');
    this.#settled();
    const resume = performance.now() - journalled;
    const journal = timings.journal + journalled - begun;
    await peer
      .send({ type: 'running', timings: { load: timings.load, journal, resume } })
      // A source that does not hear it asks again.
      .catch(() => undefined);
    if (run) void qmp.execute('announce-self', ANNOUNCEMENT).catch(() => undefined);
  }

  /** The guest could not be started here and has not executed one instruction: the source gets it back. */
  async #giveBack(reason: PageferryError): Promise<never> {
    // Ended first: from the journal entry on, the source may run the guest.
    await this.#quitQemu();
    await this.#record({ event: 'returned' });
    this.#owner = false;
    this.#returned = true;
    const error = reason.on('destination');
    await this.#peer?.send({ type: 'returned', error: errorForWire(error) }).catch(() => undefined);
    throw error;
  }

  /** Post-copy's second half: until QEMU has every page, through any number of connections. */
  async #receiveMissing(incoming: Incoming, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.#connectedPeer.next(['all-sent'], { signal, timeoutMs: ROUNDS_TIMEOUT_MS });
        const { count } = incoming.receiver.missing;
        if (count === 0) break;
        throw new PageferryError(
          'protocol-violation',
          `the source says that it has sent all, but ${count} pages are missing`,
        );
      } catch (thrown) {
        signal.throwIfAborted();
        await this.#awaitReconnection(incoming, asPageferryError(thrown), signal);
      }
    }
    await incoming.session.finishPostcopy(signal);
  }

  async #awaitReconnection(incoming: Incoming, reason: PageferryError, signal: AbortSignal): Promise<void> {
    this.#peer?.close();
    this.#transition('postcopy-paused');
    this.#log.error(
      { err: reason, missing: incoming.receiver.missing.count },
      'post-copy is paused: the source is not there',
    );
    await this.#takeUp(incoming, signal);
  }

  /** Waits for the source's next connection, tells it what is missing, and goes on with it. */
  async #takeUp(incoming: Incoming, signal: AbortSignal): Promise<void> {
    const peer = await this.#nextPeer(signal);
    this.#peer = peer;
    this.#transition('postcopy-recover');
    const { receiver, requested } = incoming;
    receiver.reconnect(frameSource(peer));
    peer.onFrame = (frame) => {
      receiver.take(frame);
    };
    try {
      await peer.send(this.standing);
      for (const frame of missingFrames(receiver.missing)) await peer.sendFrame(frame);
      const open: { first: number; count: number }[] = [];
      requested.forEachRun((first, count) => {
        open.push({ first, count });
      });
      for (const { first, count } of open) {
        for (let page = first; page < first + count; page++) {
          if (receiver.missing.has(page)) this.#sendRequest(incoming, page, 1);
        }
      }
    } catch {
      // Gone again: the next wait for `all-sent` says so.
    }
    this.#transition('postcopy-active');
    this.#log.info({ missing: receiver.missing.count }, 'post-copy goes on');
  }

  async #nextPeer(signal: AbortSignal): Promise<PeerConnection> {
    if (this.#waitingPeer === undefined) {
      await abortable(
        signal,
        new Promise<void>((resolve) => {
          this.#peerArrived = resolve;
        }),
      );
    }
    const peer = this.#waitingPeer;
    this.#waitingPeer = undefined;
    return peer ?? this.#nextPeer(signal);
  }

  readonly #onRequest = (blockName: string, address: number, bytes: number): void => {
    const incoming = this.#incoming;
    const block = incoming?.layout.blockNamed(blockName);
    if (incoming === undefined || block === undefined) return;
    this.#pageRequests++;
    const first = block.firstPage + address / PAGE_SIZE;
    const count = Math.min(Math.ceil(bytes / PAGE_SIZE), block.firstPage + block.pageCount - first);
    incoming.requested.addRange(first, count);
    this.#sendRequest(incoming, first, count);
  };

  #sendRequest({ layout }: Incoming, first: number, count: number): void {
    const block = layout.blockOfPage(first);
    // A request that is lost with the connection is sent again on the next one.
    this.#peer?.sendFrame(requestFrame(block, layout.address(block, first), count)).catch(() => undefined);
  }

  /** A failure; before the hand-over nothing is left behind. */
  async #end(error: PageferryError): Promise<void> {
    this.#error = error;
    const cancelled = error.code === 'cancelled';
    if (this.#owner && error.code === 'interrupted') {
      // The journal stays open: the agent's next run takes the post-copy up.
      this.#log.warn(
        'the agent ends while the guest lacks pages: it goes on when the agent is started again',
      );
      return;
    }
    if (this.#owner) {
      this.#log.error(
        { err: error },
        'the migration failed after the hand-over: the guest belongs to this host',
      );
      await this.#record({ event: 'failed', error: error.toJSON() }).catch(() => undefined);
      this.#transition('failed');
      return;
    }
    this.#log.error({ err: error }, 'the incoming migration ended; the guest stays on the source');
    if (this.#incoming !== undefined) await this.#quitQemu();
    if (!this.#returned) await this.#record({ event: 'aborted' }).catch(() => undefined);
    this.#transition(cancelled ? 'cancelled' : 'failed');
    const fromSource = error.host === 'source';
    const message = fromSource
      ? ({ type: 'aborted' } as const)
      : ({ type: 'failed', error: errorForWire(error) } as const);
    if (!this.#returned) await this.#peer?.send(message).catch(() => undefined);
  }

  async #quitQemu(): Promise<void> {
    const incoming = this.#incoming;
    if (incoming === undefined) return;
    incoming.session.close();
    try {
      await quit(incoming.qmp, { timeoutMs: QUIT_TIMEOUT_MS });
      await incoming.qmp.closed;
    } catch (thrown) {
      this.#log.error(
        { err: thrown },
        'the destination QEMU does not end: it must be killed before it is used again',
      );
    }
  }

  async #close(): Promise<void> {
    this.#incoming?.session.close();
    this.#incoming?.qmp.close();
    await rm(this.#directory, { recursive: true, force: true }).catch(() => undefined);
    await this.#options.journal.close();
  }

  get #connectedPeer(): PeerConnection {
    if (this.#peer === undefined)
      throw new PageferryError('internal', 'there is no connection to the source');
    return this.#peer;
  }

  /** For what is already so: a journal that fails must not end a guest that runs. */
  async #note(record: IncomingRecord): Promise<void> {
    try {
      await this.#record(record);
    } catch (thrown) {
      this.#log.error(
        { err: thrown, record },
        'the journal could not be written: the migration goes on without it',
      );
    }
  }

  async #record(record: IncomingRecord): Promise<void> {
    await this.#options.journal.append(record);
  }

  #transition(state: IncomingState): void {
    this.#states.transition(state);
    this.#log.info({ state }, 'state');
  }
}

/** QEMU announces the guest to the network by itself, but before it runs; once more when it does. Times in ms. */
const ANNOUNCEMENT = { initial: 50, max: 550, rounds: 5, step: 100 } as const;

/** Switching post-copy on makes QEMU look at its host's userfaultfd, and at its memory backends. */
async function postcopyObstacles(qmp: QmpClient, signal: AbortSignal): Promise<string[]> {
  try {
    const restore = await MigrationSettings.apply(
      qmp,
      { capabilities: { 'postcopy-ram': true } },
      { signal },
    );
    await restore();
    return [];
  } catch (thrown) {
    signal.throwIfAborted();
    return [
      `the destination QEMU cannot do post-copy: ${asPageferryError(thrown).message} (run it as root or set ` +
        'vm.unprivileged_userfaultfd=1, or migrate with the mode precopy)',
    ];
  }
}

function frameSource(peer: PeerConnection | undefined): FrameSource {
  return {
    acknowledge: (sequence) => {
      // Whoever waits for the acknowledgement learns from the connection's end that none comes.
      peer?.sendFrame(acknowledgeFrame(sequence)).catch(() => undefined);
    },
    refuse: (reason) => {
      peer?.fail(reason);
    },
  };
}

/** @param bitmap one bit a page, lowest bit first */
function removeReceived(missing: PageSet, block: Block | undefined, bitmap: Buffer): void {
  if (block === undefined) return;
  for (let page = 0; page < block.pageCount; page++) {
    if ((((bitmap[page >>> 3] ?? 0) >>> (page & 7)) & 1) === 1) missing.delete(block.firstPage + page);
  }
}

function checkMachine(machine: unknown): MachineDescription {
  if (Value.Check(MachineDescriptionSchema, machine)) return machine;
  const first = Value.Errors(MachineDescriptionSchema, machine).First();
  throw new PageferryError(
    'protocol-violation',
    `the source describes its machine in a way that is not valid at "${first?.path ?? ''}"`,
  );
}

/**
 * Ranges for QEMU to discard. There is always one (design fact 7): with nothing stale, QEMU would not prepare itself
 * for post-copy, so one page that would be discarded anyway, or was never sent, must be found by the source.
 */
function forEachStaleRange(
  layout: PageLayout,
  missing: PageSet,
  discard: Parameters<Parameters<IncomingSession['loadPostcopy']>[0]>[0],
): void {
  if (missing.count === 0) {
    throw new PageferryError(
      'protocol-violation',
      'the source switches to post-copy without a single missing page',
    );
  }
  missing.forEachRun((first, count) => {
    const block = layout.blockOfPage(first);
    discard(block, layout.address(block, first), count * PAGE_SIZE);
  });
}
