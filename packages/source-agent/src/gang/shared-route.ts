import { randomBytes } from 'node:crypto';
import {
  asDestination,
  shareConnection,
  type Channel,
  type PeerConnection,
  type SharedConnection,
} from '@pageferry/link';
import { ContentDictionary, EncodingGain, openHash, type HashBytes } from '@pageferry/transfer';
import { keepsContents } from '@pageferry/wire';
import type { FrameCarrier } from '../flow-control.js';
import type { ContentFigures, GangContents } from '../known-contents.js';
import type { FindHint } from '../preparation/page-hint.js';
import type { Route, RoutedConnection } from '../route.js';
import { SharedFlow } from '../shared-flow.js';
import type { StreamIdentity } from '../stream-identity.js';
import { SwitchOverTurn } from '../switch-over-turn.js';

export interface SharedRouteOptions {
  readonly url: string;
  readonly identity: StreamIdentity | undefined;
  /** Most memory for contents to refer to, bytes; 0 for no references. */
  readonly contentBytes: number;
  /** What has been found out about its guests beforehand. */
  readonly findHint?: FindHint | undefined;
  /** Ends the wait for a connection. */
  readonly signal: AbortSignal;
}

/** The way of a gang: one connection for all of its guests, and a new one when that has broken. */
export class SharedRoute implements Route {
  readonly flow = new SharedFlow();
  readonly turn = new SwitchOverTurn();
  readonly figures: ContentFigures = { kept: 0, lone: 0 };
  readonly findHint: FindHint | undefined;
  readonly #options: SharedRouteOptions;
  #connection: SharedConnection | undefined;
  #opening: Promise<SharedConnection> | undefined;
  /** With a seed that no guest can know: none can make up two pages with one hash. */
  #hash: Promise<HashBytes> | undefined;
  /** What was sent over the connection in use. */
  #contents: { readonly of: SharedConnection; readonly contents: GangContents } | undefined;

  constructor(options: SharedRouteOptions) {
    this.#options = options;
    this.findHint = options.findHint;
  }

  /** Of which contents are kept at the moment. */
  get contents(): GangContents | undefined {
    return this.#contents?.contents;
  }

  async connect(signal: AbortSignal): Promise<RoutedConnection> {
    const [shared, hash] = await Promise.all([
      this.#open(),
      (this.#hash ??= openHash(randomBytes(8).readBigUInt64LE())),
    ]);
    signal.throwIfAborted();
    const channel = shared.open();
    const peer = asDestination(channel);
    return {
      peer,
      carrier: carrierOf(peer, shared, channel),
      contents: (bytes) => this.#contentsOf(shared, bytes, hash),
    };
  }

  /** Ends the connection, and with it what is still under way over it. */
  close(): void {
    this.#connection?.close();
  }

  /** Those that ask at the same time get the same new connection. */
  async #open(): Promise<SharedConnection> {
    if (this.#connection?.isOpen === true) return this.#connection;
    const { url, identity, signal } = this.#options;
    this.#opening ??= shareConnection(url, signal, identity?.for(url))
      .then((connection) => (this.#connection = connection))
      .finally(() => {
        this.#opening = undefined;
      });
    return this.#opening;
  }

  #contentsOf(of: SharedConnection, bytes: number, hash: HashBytes): GangContents | undefined {
    const most = Math.min(bytes, this.#options.contentBytes);
    if (most === 0) return undefined;
    if (this.#contents?.of !== of) {
      const contents = {
        dictionary: new ContentDictionary(most, hash),
        lookUpGain: new EncodingGain(),
        patchGain: new EncodingGain(),
        collecting: new Map(),
        figures: this.figures,
      };
      this.#contents = { of, contents };
    }
    return this.#contents.contents;
  }
}

/**
 * What goes by a channel; once that is closed, only contents that the destination is to keep: other guests' pages may refer to
 * them already.
 */
function carrierOf(peer: PeerConnection, shared: SharedConnection, channel: Channel): FrameCarrier {
  return {
    closed: peer.closed,
    get isOpen() {
      return peer.isOpen;
    },
    sendFrame: (frame) =>
      !peer.isOpen && keepsContents(frame) ? shared.sendLate(channel, frame) : peer.sendFrame(frame),
  };
}
