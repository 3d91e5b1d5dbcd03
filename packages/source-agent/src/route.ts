import { connectToDestination, type PeerConnection } from '@pageferry/link';
import type { FrameCarrier } from './flow-control.js';
import type { GangContents } from './known-contents.js';
import type { FindHint } from './preparation/page-hint.js';
import { SharedFlow } from './shared-flow.js';
import type { StreamIdentity } from './stream-identity.js';
import { SwitchOverTurn } from './switch-over-turn.js';

/** A connection that has just been made. */
export interface RoutedConnection {
  readonly peer: PeerConnection;
  /** What frames of pages go by. */
  readonly carrier: FrameCarrier;
  /** What was sent over it for other guests, of which the destination keeps so many bytes; undefined if it keeps nothing. */
  readonly contents: (bytes: number) => GangContents | undefined;
}

/** How migrations get to a destination: each by itself, or several together. */
export interface Route {
  /** What those that take this way share. */
  readonly flow: SharedFlow;
  /** Only one of their guests is stopped at a time. */
  readonly turn: SwitchOverTurn;
  /** What is believed of the pages of guests that take this way. */
  readonly findHint?: FindHint | undefined;
  /** Errors: as `connectToDestination`. */
  connect(signal: AbortSignal): Promise<RoutedConnection>;
}

/** The way of a migration that has its connections for itself. */
export class OwnRoute implements Route {
  readonly flow = new SharedFlow();
  readonly turn = new SwitchOverTurn();
  readonly #url: string;
  readonly #identity: StreamIdentity | undefined;

  /** @param identity how this host proves itself there; without one TLS is not spoken */
  constructor(url: string, identity?: StreamIdentity) {
    this.#url = url;
    this.#identity = identity;
  }

  async connect(signal: AbortSignal): Promise<RoutedConnection> {
    const peer = await connectToDestination(this.#url, signal, this.#identity?.for(this.#url));
    return { peer, carrier: peer, contents: () => undefined };
  }
}
