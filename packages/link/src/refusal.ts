import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { PageferryError } from '@pageferry/errors';
import { decodeControl, encodeControl, errorForWire, errorFromWire } from '@pageferry/wire';
import { isAllowedPeer, peerNames } from './peer-names.js';

/** Of what an unknown certificate says no more than this reaches a log. */
const MOST_NAMES = 16;
const LONGEST_NAME = 255;
const MOST_BODY_BYTES = 64 * 1024;

/** Why a peer is not let in. */
export interface Refusal {
  /** `peer-not-trusted` or `peer-revoked`, as the peer is told it. */
  readonly error: PageferryError;
  /** The names in its certificate, if it has shown one that can be believed. */
  readonly offered: readonly string[];
}

/**
 * Why the peer behind a finished handshake is not let in, undefined if it is.
 * @param allowed see {@link isAllowedPeer}
 */
export function refusalOf(socket: TLSSocket, allowed: readonly string[]): Refusal | undefined {
  const refused = (
    why: string,
    offered: readonly string[] = [],
    code: 'peer-not-trusted' | 'peer-revoked' = 'peer-not-trusted',
  ): Refusal => ({
    error: new PageferryError(code, `the destination does not let this host in: ${why}`, {
      host: 'destination',
    }),
    offered,
  });
  const certificate = socket.getPeerX509Certificate();
  // Nobody is offered a session to resume; what claims to have one has not been verified today.
  if (certificate === undefined || socket.isSessionReused()) return refused('it showed no certificate');
  if (!socket.authorized) {
    const why = String(socket.authorizationError);
    if (why === 'CERT_REVOKED')
      return refused('its certificate has been revoked', namesOf(socket), 'peer-revoked');
    return refused(`its certificate is not accepted there: ${why}`);
  }
  if (isAllowedPeer(peerNames(certificate.subjectAltName), allowed)) return undefined;
  const offered = namesOf(socket);
  const what = offered.length === 0 ? 'has no DNS name or URI' : `names ${offered.join(', ')}`;
  return refused(`its certificate ${what}, and streamAllowedPeers there does not allow that`, offered);
}

/** The names in a peer's certificate, as many and as much of them as is good for a log. */
export function namesOf(socket: TLSSocket): readonly string[] {
  return peerNames(socket.getPeerX509Certificate()?.subjectAltName)
    .slice(0, MOST_NAMES)
    .map((name) => name.slice(0, LONGEST_NAME));
}

/**
 * Tells a peer why it is not let in, as the answer to the request that it is about to send or has sent. Nothing of that is
 * looked at: the body is the message `refused`.
 */
export function refuse(socket: Duplex, error: PageferryError): void {
  const body = encodeControl({ type: 'refused', error: errorForWire(error) });
  const head = [
    'HTTP/1.1 403 Forbidden',
    'Content-Type: application/octet-stream',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  socket.on('error', () => undefined);
  // Read and dropped: a connection that is closed with bytes unread takes the answer with it.
  socket.resume();
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
}

/** What a destination that does not open the stream says: its error, or only the HTTP status. */
export async function refusalIn(response: IncomingMessage): Promise<Error> {
  const plain = new Error(`it answered with the HTTP status ${response.statusCode ?? 0}`);
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response) {
      if (!Buffer.isBuffer(chunk)) return plain;
      bytes += chunk.length;
      if (bytes > MOST_BODY_BYTES) return plain;
      chunks.push(chunk);
    }
    const message = decodeControl(Buffer.concat(chunks));
    return message.type === 'refused' ? errorFromWire(message.error).on('destination') : plain;
  } catch {
    return plain;
  }
}
