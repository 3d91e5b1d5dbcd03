import { once } from 'node:events';
import { constants } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TLSSocket, createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { WebSocketServer, type WebSocket } from 'ws';
import { MAX_FRAME_BYTES, SHARED_SUBPROTOCOL, STREAM_PATH, SUBPROTOCOL } from '@pageferry/wire';
import { tlsOptions, type LinkIdentity } from './link-identity.js';
import { namesOf, refusalOf, refuse, type Refusal } from './refusal.js';
import { WaitingConnections } from './waiting-connections.js';

const HANDSHAKE_TIMEOUT_MS = 5_000;
/** Those that wait, and migrations, together. */
const MAX_CONNECTIONS = 96;

/** Mutual TLS: both ends show a certificate. */
export interface ListenerTls {
  readonly identity: LinkIdentity;
  /** See `isAllowedPeer`. */
  readonly allowedPeers: readonly string[];
}

/** A peer that was let in. */
export interface AdmittedPeer {
  readonly socket: WebSocket;
  /** Whether it is to be used by many migrations: see `SharedConnection`. */
  readonly isShared: boolean;
  readonly address: string;
  /** In its certificate; none without TLS. */
  readonly names: readonly string[];
  /** To be called when it is known whose connection it is: until then its time is short. */
  readonly introduced: () => void;
}

export interface StreamListenerOptions {
  /** None for a stream that only this host can reach. */
  readonly tls?: ListenerTls | undefined;
  readonly onConnection: (peer: AdmittedPeer) => void;
  /** A peer was not let in; it has been told. */
  readonly onRefused: (refusal: Refusal, address: string) => void;
  /** A TLS handshake failed. */
  readonly onFailedHandshake: (cause: Error, address: string) => void;
}

/**
 * Where source agents connect to: WebSocket, below it TLS. A peer that is not let in is told why and is at its end; not one
 * byte of what it sends is parsed.
 */
export class StreamListener {
  readonly #http = createHttpServer((_request, response) => {
    response
      .writeHead(426, { 'content-type': 'text/plain' })
      .end('This port serves WebSocket streams of pageferry.\n');
  });
  readonly #sockets: WebSocketServer;
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  readonly #waiting = new WaitingConnections();
  readonly #open = new Set<Socket>();

  constructor(options: StreamListenerOptions) {
    this.#sockets = new WebSocketServer({
      server: this.#http,
      path: STREAM_PATH,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      // A message is answered before the next one is looked at: frames may follow what announces them at once.
      allowSynchronousEvents: false,
      handleProtocols: (protocols) =>
        [SUBPROTOCOL, SHARED_SUBPROTOCOL].find((protocol) => protocols.has(protocol)) ?? false,
    });
    this.#sockets.on('connection', (socket, { socket: connection }) => {
      options.onConnection({
        socket,
        isShared: socket.protocol === SHARED_SUBPROTOCOL,
        address: connection.remoteAddress ?? '',
        names: connection instanceof TLSSocket ? namesOf(connection) : [],
        introduced: () => {
          this.#waiting.release(connection);
        },
      });
    });
    this.#tls = options.tls && this.#createTlsServer(options.tls, options);
    this.#server = this.#tls ?? this.#createPlainServer();
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('connection', (socket: Socket) => {
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
      this.#waiting.add(socket);
    });
  }

  /** Resolves with the port. */
  async listen(host: string, port: number): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    return portOf(this.#server.address());
  }

  /** Connections from now on are made with this. */
  set identity(identity: LinkIdentity) {
    this.#tls?.setSecureContext({ ...tlsOptions(identity), secureOptions: NO_RESUMPTION });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#sockets.close();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  #createPlainServer(): Server {
    return createTcpServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#http.emit('connection', socket);
    });
  }

  #createTlsServer({ identity, allowedPeers }: ListenerTls, options: StreamListenerOptions): TlsServer {
    const server = createTlsServer({
      ...tlsOptions(identity),
      secureOptions: NO_RESUMPTION,
      noDelay: true,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      requestCert: true,
      // It is refused below instead, with the reason.
      rejectUnauthorized: false,
    });
    server.on('secureConnection', (socket) => {
      const refusal = refusalOf(socket, allowedPeers);
      if (refusal === undefined) {
        this.#http.emit('connection', socket);
        return;
      }
      options.onRefused(refusal, socket.remoteAddress ?? '');
      refuse(socket, refusal.error);
    });
    server.on('tlsClientError', (cause, socket) => {
      options.onFailedHandshake(cause, socket.remoteAddress ?? '');
    });
    return server;
  }
}

const NO_RESUMPTION = constants.SSL_OP_NO_TICKET;

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string')
    throw new Error('unreachable: the server listens on a port');
  return address.port;
}
