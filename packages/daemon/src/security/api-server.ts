import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Reloaded } from './file-reloader.js';
import type { TlsMaterial } from './tls-material.js';

const HANDSHAKE_TIMEOUT_MS = 5_000;
/** An operator's tools, a browser and what collects metrics need a handful. */
const MOST_CONNECTIONS = 256;

/** node's server below the API, with TLS if there is a certificate; a new one is used from the next connection on. */
export function createApiServer(
  handler: RequestListener,
  options: ServerOptions,
  tls: Reloaded<TlsMaterial> | undefined,
): Server {
  const server = tls === undefined ? createServer(options, handler) : tlsServer(handler, options, tls);
  server.maxConnections = MOST_CONNECTIONS;
  return server;
}

function tlsServer(handler: RequestListener, options: ServerOptions, tls: Reloaded<TlsMaterial>): Server {
  const context = ({ cert, key }: TlsMaterial): object => ({ cert, key, minVersion: 'TLSv1.3' });
  const server = createTlsServer(
    { ...options, ...context(tls.current), handshakeTimeout: HANDSHAKE_TIMEOUT_MS },
    handler,
  );
  tls.onChange((material) => {
    server.setSecureContext(context(material));
  });
  return server;
}
