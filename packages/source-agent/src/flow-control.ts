import { PageferryError, asPageferryError, sleep } from '@pageferry/errors';
import type { PeerConnection } from '@pageferry/link';
import { inFlightBytes, readHeader } from '@pageferry/wire';
import { RateLimit } from '@pageferry/transfer';
import { FramesInFlight } from './frames-in-flight.js';
import { SharedFlow, Urgency, type FlowPart } from './shared-flow.js';
import { StallWatch } from './stall-watch.js';

const LONGEST_PAUSE_MS = 100;

/** What carries the frames: one connection to the destination. */
export type FrameCarrier = Pick<PeerConnection, 'sendFrame' | 'isOpen' | 'closed'>;

/**
 * Sends data frames and keeps count of what is in flight: sent, and not yet acknowledged by the destination. What it
 * allows in flight, and in a second, may be changed at any time. From the acknowledgements it estimates the bandwidth.
 */
export class FlowControl implements FlowPart {
  readonly #shared: SharedFlow;
  #urgency = Urgency.precopy;
  readonly #limit = new RateLimit(0);
  /** Bytes of data frames sent. */
  sentBytes = 0;
  #peer: FrameCarrier | undefined;
  readonly #largestWindow: number;
  #window: number;
  readonly #inFlight = new FramesInFlight();
  /** Of frames that wait for their encoding. */
  #encodingBytes = 0;
  #roundTripMs = Infinity;
  /** When something was seen to have to wait, ms. */
  #fullAt = -Infinity;
  readonly #waiting: { readonly resolve: () => void; readonly reject: (reason: PageferryError) => void }[] =
    [];
  /** By the limit that is shared. */
  #isHeldBack = false;
  readonly #stall = new StallWatch(() => {
    this.onStall();
    this.#shared.wakeAll();
  });
  /** Called when the destination has taken in nothing of what is in flight for `STALL_LIMIT_MS`. */
  onStall: () => void = () => undefined;
  readonly #signal: AbortSignal;

  /**
   * @param peer undefined while there is no connection yet: see {@link reconnect}
   * @param window most bytes that may ever be in flight
   * @param signal ends every wait: a destination that has gone silent acknowledges nothing
   * @param shared with the other migrations over the same connection
   */
  constructor(
    peer: FrameCarrier | undefined,
    window: number,
    signal: AbortSignal,
    shared: SharedFlow = new SharedFlow(),
  ) {
    this.#shared = shared;
    this.#peer = peer;
    this.#largestWindow = window;
    this.#window = window;
    this.#signal = signal;
    signal.addEventListener('abort', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(asPageferryError(signal.reason));
    });
    shared.join(this);
    if (peer !== undefined) this.#watch(peer);
  }

  /** Nothing more is sent: the others have the connection for themselves. */
  close(): void {
    this.#forgetFlight();
    this.#shared.leave(this);
  }

  /** Who of those that share the connection goes first. */
  get urgency(): Urgency {
    return this.#urgency;
  }

  set urgency(urgency: Urgency) {
    this.#urgency = urgency;
    this.#shared.wakeAll();
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0 || this.#isHeldBack;
  }

  get isStalled(): boolean {
    return this.#stall.isStalled;
  }

  /** Bytes that may be in flight; never more than was allowed at first. */
  get window(): number {
    return this.#window;
  }

  set window(bytes: number) {
    this.#window = Math.min(bytes, this.#largestWindow);
    this.#shared.wakeAll();
  }

  /** Shortest time in which the destination has acknowledged a frame over this connection, ms; 0 while not known. */
  get roundTripMs(): number {
    return this.#roundTripMs === Infinity ? 0 : this.#roundTripMs;
  }

  get inFlightBytes(): number {
    return this.#inFlight.weight + this.#encodingBytes;
  }

  /** What the link carries, or the limit if that is lower, bytes a second; undefined while not known. */
  get bytesPerSecond(): number | undefined {
    const estimate = this.#shared.bytesPerSecond;
    const limit = lower(this.#limit.bytesPerSecond, this.#shared.limit.bytesPerSecond);
    return limit === 0 ? estimate : Math.min(estimate ?? limit, limit);
  }

  /** Limits what is sent from now on, bytes a second; 0 for no limit. */
  limitTo(bytesPerSecond: number): void {
    this.#limit.change(bytesPerSecond, performance.now());
    this.wake();
  }

  /** Whether the limit, not the window, forbids to send now. */
  get isLimited(): boolean {
    return this.#limitWaitMs > 0;
  }

  /** Longer frames would break the limit, bytes. */
  get longestFrameBytes(): number {
    return Math.min(this.#limit.longestFrameBytes, this.#shared.limit.longestFrameBytes);
  }

  /** Whether nothing more should be sent now. */
  get isFull(): boolean {
    const isFull = this.#isWindowFull || this.#limitWaitMs > 0 || !this.#shared.isFree(this);
    if (isFull) this.#fullAt = performance.now();
    return isFull;
  }

  /** Whether something had to wait in the last so many ms: the link, not the processor, is what limits. */
  wasFullWithin(ms: number): boolean {
    return performance.now() <= this.#fullAt + ms;
  }

  /**
   * Sends a frame, after all that were given before; resolves when its buffer is free again.
   * @param encoded what to send instead, once it is there: until then the frame counts as if it were in flight
   */
  async send(frame: Buffer, encoded?: Promise<Buffer>): Promise<void> {
    const before = this.#shared.lastEncoding;
    this.#countTowardsLimits(frame.length);
    if (encoded === undefined && before === undefined) return this.#sendNow(frame);
    const waiting = inFlightBytes(readHeader(frame), frame.length);
    this.#encodingBytes += waiting;
    let sent: Promise<void> | undefined;
    const turn = (async () => {
      const ready = (await encoded) ?? frame;
      await before;
      this.#encodingBytes -= waiting;
      this.#countTowardsLimits(ready.length - frame.length);
      sent = this.#sendNow(ready);
      // Whoever gave the frame learns of a failure; whoever waits for its turn does not care.
      sent.catch(() => undefined);
    })();
    const settled = turn.catch(() => undefined);
    this.#shared.lastEncoding = settled;
    await turn;
    if (this.#shared.lastEncoding === settled) this.#shared.lastEncoding = undefined;
    await sent;
  }

  /** Resolves when no frame waits for its encoding any more: a control message may follow all that were given. */
  async encoded(): Promise<void> {
    await this.#shared.lastEncoding;
  }

  /** Sends a frame under the next sequence number, which it writes into it. */
  async #sendNow(frame: Buffer): Promise<void> {
    const now = performance.now();
    const weight = inFlightBytes(readHeader(frame), frame.length);
    frame.writeUInt32BE(this.#inFlight.add(frame.length, weight, now), 4);
    this.#shared.sent(frame.length, weight, now);
    this.#stall.start();
    this.sentBytes += frame.length;
    return this.#connectedPeer.sendFrame(frame);
  }

  /**
   * Undefined when there is room in the window and under the limit; otherwise resolves when there is. Error: what ended
   * the connection.
   */
  room(): Promise<void> | undefined {
    if (!this.isFull && this.#connectedPeer.isOpen) return undefined;
    return this.#waitForRoom();
  }

  /** Resolves when everything sent has been acknowledged. */
  async drained(): Promise<void> {
    await this.encoded();
    while (this.#inFlight.weight > 0 || !this.#connectedPeer.isOpen) await this.#wait();
  }

  /** The destination has everything up to this frame. Error: `protocol-violation`. */
  acknowledge(sequence: number): void {
    const now = performance.now();
    const frames = this.#inFlight.acknowledge(sequence);
    this.#roundTripMs = Math.min(this.#roundTripMs, now - frames.sentAtMs);
    this.#shared.acknowledged(frames, now);
    if (this.#inFlight.weight === 0) this.#stall.stop();
    else this.#stall.progressed();
    this.#shared.wakeAll();
  }

  /** Goes on over a new connection; what was in flight on the old one is forgotten. */
  reconnect(peer: FrameCarrier): void {
    this.#peer = peer;
    this.#forgetFlight();
    this.#roundTripMs = Infinity;
    this.#shared.join(this);
    this.#watch(peer);
  }

  #forgetFlight(): void {
    this.#shared.forget(this.#inFlight.forget());
    this.#stall.stop();
  }

  get #isWindowFull(): boolean {
    return this.inFlightBytes >= this.#window;
  }

  get #limitWaitMs(): number {
    const { limit } = this.#shared;
    if (this.#limit.bytesPerSecond === 0 && limit.bytesPerSecond === 0) return 0;
    const now = performance.now();
    return Math.max(this.#limit.waitMs(now), limit.waitMs(now));
  }

  #countTowardsLimits(bytes: number): void {
    const now = performance.now();
    this.#limit.sent(bytes, now);
    this.#shared.limit.sent(bytes, now);
  }

  get #connectedPeer(): FrameCarrier {
    if (this.#peer === undefined)
      throw new PageferryError('internal', 'there is no connection to the destination');
    return this.#peer;
  }

  #watch(peer: FrameCarrier): void {
    void peer.closed.then((reason) => {
      if (peer !== this.#peer) return;
      // The others must not wait for what is not acknowledged any more.
      this.close();
      for (const { reject } of this.#waiting.splice(0)) reject(reason);
    });
  }

  async #waitForRoom(): Promise<void> {
    for (;;) {
      if (this.#isWindowFull || !this.#connectedPeer.isOpen || !this.#shared.isFree(this)) {
        await this.#wait();
        continue;
      }
      const waitMs = this.#limitWaitMs;
      if (waitMs === 0) return;
      this.#isHeldBack = this.#shared.limit.bytesPerSecond > 0;
      // A limit that is raised meanwhile, or a connection that ends, is noticed soon.
      await sleep(Math.min(waitMs, LONGEST_PAUSE_MS), this.#signal).finally(() => {
        this.#isHeldBack = false;
      });
    }
  }

  async #wait(): Promise<void> {
    this.#signal.throwIfAborted();
    if (!this.#connectedPeer.isOpen) throw await this.#connectedPeer.closed;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** Whoever waits looks again whether what it waits for has come. */
  wake(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }
}

/** The lower of two limits; 0 stands for none. */
function lower(one: number, other: number): number {
  return one === 0 || other === 0 ? Math.max(one, other) : Math.min(one, other);
}
