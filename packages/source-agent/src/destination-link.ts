import type { Logger } from '@pageferry/daemon';
import { PageferryError, abortable, asPageferryError, sleep } from '@pageferry/errors';
import type { PeerConnection } from '@pageferry/link';
import type { PageLayout } from '@pageferry/transfer';
import { PROTOCOL_VERSIONS, errorForWire } from '@pageferry/wire';
import type { FrameCarrier } from './flow-control.js';
import type { GangContents } from './known-contents.js';
import type { Route } from './route.js';
import { takeStanding, type Standing } from './standing.js';
import { SOFTWARE_VERSION } from './version.js';

const WELCOME_TIMEOUT_MS = 30_000;
const ABORT_TIMEOUT_MS = 15_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

export interface DestinationLinkOptions {
  /** The migration's. */
  readonly id: string;
  readonly route: Route;
  /** How long {@link DestinationLink.reconnect} tries. */
  readonly reconnectSeconds: number;
  readonly log: Logger;
  /** Ends every wait, but those of {@link DestinationLink.abort}. */
  readonly signal: AbortSignal;
}

/** Told of every attempt to connect again. */
export interface ReconnectionWatcher {
  /** The destination answers. */
  readonly reached: () => void;
  /** It does not, or no longer. */
  readonly missed: () => void;
  /** Asked when the time is over: whether to wait for {@link DestinationLink.hurry}, and try again then. */
  readonly outlasts?: () => boolean;
}

/** A migration's way to the destination agent: one connection, or one after the other. */
export class DestinationLink {
  readonly #options: DestinationLinkOptions;
  #peer: PeerConnection | undefined;
  #carrier: FrameCarrier | undefined;
  #contents: GangContents | undefined;
  #connectedAtMs = -Infinity;
  /** Connections in a row that broke soon. */
  #shortLived = 0;
  /** Ends the pause before the next attempt; undefined while there is none. */
  #hurry: (() => void) | undefined;

  constructor(options: DestinationLinkOptions) {
    this.#options = options;
  }

  /** The newest connection; it may have ended. */
  get peer(): PeerConnection {
    if (this.#peer === undefined)
      throw new PageferryError('internal', 'there is no connection to the destination');
    return this.#peer;
  }

  /** What frames of pages go by on the newest connection. */
  get carrier(): FrameCarrier {
    return this.#carrier ?? this.peer;
  }

  /** What was sent for other guests over the newest connection; undefined if the destination keeps nothing of it. */
  get contents(): GangContents | undefined {
    return this.#contents;
  }

  /**
   * Introduces a new migration; resolves with the destination's window, bytes.
   * @throws `peer-unreachable`, what `PeerConnection.next` does, what the destination refuses it with
   */
  async connect(): Promise<number> {
    return this.#connect(false);
  }

  /**
   * Connects again, for as long as the configuration allows, and asks who has the guest. Error: `ownership-unknown`.
   */
  async reconnect(layout: PageLayout, watcher: ReconnectionWatcher): Promise<Standing> {
    const { reconnectSeconds, log, signal } = this.#options;
    let begun = performance.now();
    this.close();
    // A destination that answers, and then breaks every connection at once, is not asked without a pause either.
    this.#shortLived = begun - this.#connectedAtMs > LONGEST_PAUSE_MS ? 0 : this.#shortLived + 1;
    for (let failures = Math.max(this.#shortLived - 1, 0); ; failures++) {
      await this.#pause(pauseMs(failures));
      try {
        await this.#connect(true);
        watcher.reached();
        return await takeStanding(this.peer, layout, signal);
      } catch (thrown) {
        signal.throwIfAborted();
        watcher.missed();
        if (performance.now() > begun + reconnectSeconds * 1000) {
          const error = new PageferryError(
            'ownership-unknown',
            `the destination could not be reached again: ${asPageferryError(thrown).message}`,
            { cause: thrown },
          );
          if (watcher.outlasts?.() !== true) throw error;
          log.error(
            { err: error, reconnectSeconds },
            'the migration stays paused until it is told to recover',
          );
          await this.#pause(Infinity);
          begun = performance.now();
        }
        log.debug({ err: thrown, failures }, 'the destination is not there yet');
      }
    }
  }

  /** Connects again at once instead of after a pause; false if it is not waiting to. */
  hurry(): boolean {
    const hurry = this.#hurry;
    hurry?.();
    return hurry !== undefined;
  }

  /** Tells the destination to give the migration up, and waits for its word that it has; never rejects. */
  async abort(reason: PageferryError): Promise<void> {
    const peer = this.#peer;
    if (peer?.isOpen !== true) return;
    try {
      await peer.send({ type: 'abort', error: errorForWire(reason) });
      for (;;) {
        // What it said before it heard of this.
        const types = ['aborted', 'failed', 'prepared', 'ready', 'refused'] as const;
        const { type } = await peer.next(types, { timeoutMs: ABORT_TIMEOUT_MS });
        if (type === 'aborted' || type === 'failed' || type === 'refused') break;
      }
    } catch (thrown) {
      this.#options.log.debug({ err: thrown }, 'the destination did not confirm that it has given up');
    }
    peer.close();
  }

  close(): void {
    this.#peer?.close();
  }

  /** @param ms `Infinity` for a pause that only {@link hurry} ends */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.#options;
    const hurried = new Promise<void>((resolve) => {
      this.#hurry = resolve;
    });
    try {
      await (ms === Infinity ? abortable(signal, hurried) : Promise.race([sleep(ms, signal), hurried]));
    } finally {
      this.#hurry = undefined;
    }
  }

  async #connect(resume: boolean): Promise<number> {
    const { id, route, signal } = this.#options;
    const { peer, carrier, contents } = await route.connect(signal);
    try {
      await peer.send({
        type: 'hello',
        ...PROTOCOL_VERSIONS,
        software: SOFTWARE_VERSION,
        migration: id,
        resume,
      });
      const { window, contentBytes } = await peer.next(['welcome'], {
        signal,
        timeoutMs: WELCOME_TIMEOUT_MS,
      });
      this.#peer = peer;
      this.#carrier = carrier;
      this.#contents = contents(contentBytes ?? 0);
      this.#connectedAtMs = performance.now();
      return window;
    } catch (thrown) {
      peer.close();
      throw thrown;
    }
  }
}

/** Before the next attempt, after so many that failed. */
function pauseMs(failures: number): number {
  return failures === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
}
