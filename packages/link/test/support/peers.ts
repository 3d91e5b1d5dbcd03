import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { MAX_FRAME_BYTES, STREAM_PATH, SUBPROTOCOL } from '@pageferry/wire';
import { PeerConnection, connectToDestination } from '../../src/index.js';

/** A listener as the destination agent's; resolves with what a source agent connects to. */
export async function listen(
  onConnection: (socket: WebSocket) => void,
  options: ServerOptions = {},
): Promise<string> {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    path: STREAM_PATH,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    allowSynchronousEvents: false,
    handleProtocols: () => SUBPROTOCOL,
    ...options,
  });
  server.on('connection', onConnection);
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of server.clients) socket.terminate();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });
  return urlOf(server.address());
}

export function urlOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `ws://127.0.0.1:${address.port}`;
}

/** A source agent's end, and a destination that does what the test says. */
export async function connectRaw(
  options?: ServerOptions,
): Promise<{ readonly source: PeerConnection; readonly socket: WebSocket }> {
  let accept: (socket: WebSocket) => void = () => undefined;
  const accepted = new Promise<WebSocket>((resolve) => {
    accept = resolve;
  });
  const source = await connectToDestination(await listen(accept, options), new AbortController().signal);
  onTestFinished(() => {
    source.close();
  });
  return { source, socket: await accepted };
}

/** Both ends of one connection; neither takes frames yet. */
export async function connectPeers(): Promise<{
  readonly source: PeerConnection;
  readonly destination: PeerConnection;
}> {
  const { source, socket } = await connectRaw();
  const onFrame = (): void => {
    throw new Error('a frame that nobody waits for');
  };
  return { source, destination: new PeerConnection(socket, { peer: 'source', onFrame }) };
}
