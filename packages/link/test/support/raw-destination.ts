import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { onTestFinished } from 'vitest';
import { SUBPROTOCOL } from '@pageferry/wire';
import { connectToDestination, type PeerConnection } from '../../src/index.js';
import { urlOf } from './peers.js';

/** RFC 6455, 1.3 */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A destination that knows no more of WebSocket than how one begins: what follows is bytes. */
export async function rawDestination(): Promise<
  () => Promise<{ readonly source: PeerConnection; readonly stream: Duplex }>
> {
  let accept: (stream: Duplex) => void = () => undefined;
  const server = createServer();
  server.on('upgrade', ({ headers }, stream: Duplex) => {
    const key = `${headers['sec-websocket-key'] ?? ''}${WEBSOCKET_GUID}`;
    stream.on('error', () => undefined);
    stream.resume();
    stream.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${createHash('sha1').update(key).digest('base64')}\r\n` +
        `Sec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`,
    );
    accept(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  const url = urlOf(server.address());
  return async () => {
    const accepted = new Promise<Duplex>((resolve) => {
      accept = resolve;
    });
    const source = await connectToDestination(url, new AbortController().signal);
    return { source, stream: await accepted };
  };
}
