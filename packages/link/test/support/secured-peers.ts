import { onTestFinished } from 'vitest';
import {
  PeerConnection,
  StreamListener,
  connectToDestination,
  type LinkIdentity,
  type Refusal,
} from '../../src/index.js';

export interface SecuredListener {
  readonly listener: StreamListener;
  readonly port: number;
  readonly refusals: Refusal[];
  /** Codes of handshakes that failed. */
  readonly failures: unknown[];
  /** Those in the certificates of who was let in. */
  readonly names: (readonly string[])[];
  readonly connections: PeerConnection[];
  /** Connects as `identity`, to a name of the listener's certificate. */
  readonly connect: (identity?: LinkIdentity, url?: string) => Promise<PeerConnection>;
}

/** The listener of a destination agent; whoever connects stays without a hello. */
export async function secured(
  identity: LinkIdentity | undefined,
  allowedPeers: readonly string[] = [],
): Promise<SecuredListener> {
  const refusals: Refusal[] = [];
  const failures: unknown[] = [];
  const names: (readonly string[])[] = [];
  const connections: PeerConnection[] = [];
  const listener = new StreamListener({
    tls: identity && { identity, allowedPeers },
    onConnection: ({ socket, names: peerNames }) => {
      names.push(peerNames);
      connections.push(new PeerConnection(socket, { peer: 'source', onFrame: () => undefined }));
    },
    onRefused: (refusal) => refusals.push(refusal),
    onFailedHandshake: (cause) => failures.push('code' in cause ? cause.code : cause),
  });
  const port = await listener.listen('127.0.0.1', 0);
  onTestFinished(() => listener.close());
  const connect = async (client?: LinkIdentity, url = `wss://localhost:${port}`): Promise<PeerConnection> => {
    const peer = await connectToDestination(url, new AbortController().signal, client);
    onTestFinished(() => {
      peer.close();
    });
    return peer;
  };
  return { listener, port, refusals, failures, names, connections, connect };
}
