import { WebSocket } from 'ws';
import { PageferryError, abortable, withTimeout } from '@pageferry/errors';
import { MAX_FRAME_BYTES, SHARED_SUBPROTOCOL, STREAM_PATH, SUBPROTOCOL } from '@pageferry/wire';
import { connectError } from './connect-errors.js';
import { tlsOptions, type LinkIdentity } from './link-identity.js';
import type { MessageSocket } from './message-socket.js';
import { PeerConnection } from './peer-connection.js';
import { refusalIn } from './refusal.js';
import { SharedConnection } from './shared-connection.js';

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Connects a source agent to a destination agent.
 * @param url of the destination agent's stream listener, `ws://HOST:PORT`, or `wss://HOST:PORT` with HOST one of the names
 * in its certificate
 * @param identity for `wss:`
 * @throws `peer-unreachable`, `peer-not-trusted`, `peer-revoked`, what the destination refuses it with, or what the signal was aborted with
 */
export async function connectToDestination(
  url: string,
  signal: AbortSignal,
  identity?: LinkIdentity,
): Promise<PeerConnection> {
  return connect({ url, signal, identity, protocol: SUBPROTOCOL }, asDestination);
}

/** As {@link connectToDestination}, for many migrations together: each gets a channel. */
export async function shareConnection(
  url: string,
  signal: AbortSignal,
  identity?: LinkIdentity,
): Promise<SharedConnection> {
  return connect(
    { url, signal, identity, protocol: SHARED_SUBPROTOCOL },
    (socket) => new SharedConnection(socket, { peer: 'destination' }),
  );
}

/** The destination agent at the other end of a socket that has just been opened. */
export function asDestination(socket: MessageSocket): PeerConnection {
  return new PeerConnection(socket, { peer: 'destination', onFrame: refuseFrame });
}

interface Way {
  readonly url: string;
  readonly signal: AbortSignal;
  readonly identity: LinkIdentity | undefined;
  readonly protocol: string;
}

async function connect<T>(
  { url, signal, identity, protocol }: Way,
  made: (socket: WebSocket) => T,
): Promise<T> {
  const socket = new WebSocket(new URL(STREAM_PATH, url), protocol, {
    ...(identity && tlsOptions(identity)),
    perMessageDeflate: false,
    maxPayload: MAX_FRAME_BYTES,
    // Masks guard proxies against scripts in browsers (RFC 6455, 10.3); there are none here, and zeros cost nothing.
    generateMask: () => undefined,
    // A message is dealt with before the next one is looked at: frames may follow what announces them at once.
    allowSynchronousEvents: false,
  });
  const opened = new Promise<T>((resolve, reject) => {
    socket.once('open', () => {
      // Made here, in the same turn: a message may follow at once.
      resolve(made(socket));
    });
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response) => {
      refusalIn(response).then(reject, reject);
    });
  });
  try {
    return await withTimeout(
      signal,
      CONNECT_TIMEOUT_MS,
      'peer-unreachable',
      'it did not answer in time',
      (inner) => abortable(inner, opened),
    );
  } catch (thrown) {
    socket.once('error', () => undefined);
    socket.terminate();
    signal.throwIfAborted();
    throw connectError(url, thrown);
  }
}

function refuseFrame(): void {
  throw new PageferryError(
    'protocol-violation',
    'the destination agent sent a frame before it was asked for one',
  );
}
