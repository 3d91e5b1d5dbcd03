import { PageferryError, type Host } from '@pageferry/errors';

export const CLOSE_NORMAL = 1000;
export const CLOSE_PROTOCOL_ERROR = 1002;
const CLOSE_NOT_A_MESSAGE = 1007;
const CLOSE_TOO_LONG = 1009;

/** With these the peer says that it cannot read what it got (RFC 6455, 7.4.1). */
const VIOLATIONS: ReadonlySet<number> = new Set([CLOSE_PROTOCOL_ERROR, CLOSE_NOT_A_MESSAGE, CLOSE_TOO_LONG]);

/** `peer-lost` */
export function connectionLost(peer: Host, why: string, cause?: unknown): PageferryError {
  return new PageferryError('peer-lost', `the connection to the ${peer} agent broke: ${why}`, { cause });
}

/** `protocol-violation` */
export function protocolViolation(peer: Host, what: string, cause?: unknown): PageferryError {
  return new PageferryError('protocol-violation', `the ${peer} agent broke the protocol: ${what}`, { cause });
}

/** Why the peer closed the connection, by its WebSocket status, if it said no more than that. */
export function closedByPeer(peer: Host, status: number): PageferryError {
  if (!VIOLATIONS.has(status)) return connectionLost(peer, `it was closed (WebSocket status ${status})`);
  const message = `the ${peer} agent cannot read what it was sent (WebSocket status ${status})`;
  return new PageferryError('protocol-violation', message, { host: peer });
}

/** Why the socket failed: the network, or bytes that are no WebSocket's, by the codes that `ws` documents. */
export function socketFailed(peer: Host, cause: Error): PageferryError {
  if (cause instanceof PageferryError) return cause;
  const isViolation = 'code' in cause && typeof cause.code === 'string' && cause.code.startsWith('WS_ERR_');
  return isViolation
    ? protocolViolation(peer, cause.message, cause)
    : connectionLost(peer, cause.message, cause);
}
