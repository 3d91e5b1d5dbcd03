import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Logger } from '@pageferry/daemon';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import { PeerConnection } from '@pageferry/link';
import { MAX_FRAME_BYTES, STREAM_PATH, SUBPROTOCOL, chooseVersion, errorForWire } from '@pageferry/wire';
import type { IncomingMigrations } from './incoming-migrations.js';

const HELLO_TIMEOUT_MS = 5_000;
/** Connections that have not said hello yet, and migrations, together. */
const MAX_CONNECTIONS = 64;

export interface StreamServerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly software: string;
  /** bytes */
  readonly window: number;
  readonly migrations: IncomingMigrations;
  readonly log: Logger;
}

/** The WebSocket endpoint for source agents: the handshake, then each connection goes to its migration. */
export class StreamServer {
  readonly #options: StreamServerOptions;
  readonly #http: Server;
  readonly #sockets: WebSocketServer;

  constructor(options: StreamServerOptions) {
    this.#options = options;
    this.#http = createServer((_request, response) => {
      response
        .writeHead(426, { 'content-type': 'text/plain' })
        .end('This port serves WebSocket streams of pageferry.\n');
    });
    this.#http.maxConnections = MAX_CONNECTIONS;
    this.#sockets = new WebSocketServer({
      server: this.#http,
      path: STREAM_PATH,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      // A message is answered before the next one is looked at: frames may follow what announces them at once.
      allowSynchronousEvents: false,
      handleProtocols: (protocols) => (protocols.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
    this.#sockets.on('connection', (socket) => {
      void this.#serve(socket);
    });
  }

  /** Resolves with the port. */
  async listen(): Promise<number> {
    this.#http.listen(this.#options.port, this.#options.host);
    await once(this.#http, 'listening');
    return portOf(this.#http.address());
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#sockets.close();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async #serve(socket: WebSocket): Promise<void> {
    const { log, migrations, software, window } = this.#options;
    const peer = new PeerConnection(socket, { peer: 'source', onFrame: refuseFrame });
    try {
      const hello = await peer.next(['hello'], { timeoutMs: HELLO_TIMEOUT_MS });
      const version = chooseVersion(hello);
      const welcome = { type: 'welcome', version, software, window } as const;
      if (hello.resume) {
        await peer.send(welcome);
        await migrations.resume(hello.migration, peer);
      } else {
        const migration = await migrations.admit(hello.migration, peer);
        // A source that is gone already is noticed by the migration, which closes what it has opened.
        await peer.send(welcome).catch(() => undefined);
        await migrations.run(migration);
      }
    } catch (thrown) {
      const error = asPageferryError(thrown).on('destination');
      log.error({ err: error }, 'a connection was refused');
      await peer.send({ type: 'refused', error: errorForWire(error) }).catch(() => undefined);
      peer.close();
    }
  }
}

function refuseFrame(): void {
  throw new PageferryError('protocol-violation', 'the source agent sent a frame before it was asked for one');
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string')
    throw new Error('unreachable: the server listens on a port');
  return address.port;
}
