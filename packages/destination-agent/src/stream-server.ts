import { LogLimit, migrationLogger, type Logger } from '@pageferry/daemon';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import {
  PeerConnection,
  SharedConnection,
  StreamListener,
  type AdmittedPeer,
  type LinkIdentity,
  type ListenerTls,
  type MessageSocket,
} from '@pageferry/link';
import { PAGE_SIZE } from '@pageferry/transfer';
import { chooseVersion, errorForWire } from '@pageferry/wire';
import type { ConnectionContents } from './connection-contents.js';
import type { IncomingMigrations } from './incoming-migrations.js';
import { takeLateFrame } from './keep-contents.js';
import { SharedContents } from './shared-contents.js';

const HELLO_TIMEOUT_MS = 5_000;

export interface StreamServerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly software: string;
  /** bytes */
  readonly window: number;
  /** Most memory for what shared connections refer to, bytes. */
  readonly contentBytes: number;
  /** None for a stream that only this host can reach. */
  readonly tls?: ListenerTls | undefined;
  readonly migrations: IncomingMigrations;
  readonly log: Logger;
}

/** The endpoint for source agents: the handshake, then each connection goes to its migration. */
export class StreamServer {
  readonly #options: StreamServerOptions;
  readonly #listener: StreamListener;
  readonly #refusals = new LogLimit();
  readonly #contents: SharedContents;

  constructor(options: StreamServerOptions) {
    this.#options = options;
    const { tls, log, contentBytes } = options;
    this.#contents = new SharedContents(contentBytes);
    this.#listener = new StreamListener({
      tls,
      onConnection: (admitted) => {
        if (admitted.isShared) this.#share(admitted);
        else void this.#serve(admitted, admitted.socket, undefined);
      },
      onRefused: ({ error, offered }, address) => {
        const line = this.#refusals.next();
        const facts = { err: error, address, offered, allowed: tls?.allowedPeers ?? [] };
        if (line !== undefined) log.error({ ...facts, ...line }, 'a host was not let in');
      },
      onFailedHandshake: (cause, address) => {
        const line = this.#refusals.next();
        if (line !== undefined) log.error({ err: cause, address, ...line }, handshakeProblem(cause));
      },
    });
  }

  /** Resolves with the port. */
  async listen(): Promise<number> {
    return this.#listener.listen(this.#options.host, this.#options.port);
  }

  /** What new connections are made with, where there is TLS. */
  set identity(identity: LinkIdentity) {
    this.#listener.identity = identity;
  }

  async close(): Promise<void> {
    await this.#listener.close();
  }

  /** Each channel is served as a connection of its own would be. */
  #share(admitted: AdmittedPeer): void {
    const contents = this.#contents.take();
    const shared = new SharedConnection(admitted.socket, {
      peer: 'source',
      onChannel: (channel) => {
        void this.#serve(admitted, channel, contents);
      },
      onLateFrame: (frame) => {
        takeLateFrame(contents.store, frame);
      },
    });
    void shared.closed.then(() => {
      this.#contents.giveBack(contents);
    });
  }

  async #serve(
    { address, names, introduced }: AdmittedPeer,
    socket: MessageSocket,
    contents: ConnectionContents | undefined,
  ): Promise<void> {
    const { log, migrations, software, window } = this.#options;
    const peer = new PeerConnection(socket, { peer: 'source', onFrame: refuseFrame });
    try {
      const hello = await peer.next(['hello'], { timeoutMs: HELLO_TIMEOUT_MS });
      introduced();
      const { migration: id, resume } = hello;
      migrationLogger(log, id).info({ address, names, resume }, 'a source has connected');
      const version = chooseVersion(hello);
      const stored = contents && { contentBytes: contents.store.slots * PAGE_SIZE };
      const welcome = { type: 'welcome', version, software, window, ...stored } as const;
      const connection = { peer, contents };
      if (hello.resume) {
        await peer.send(welcome);
        await migrations.resume(hello.migration, connection, names);
      } else {
        const migration = await migrations.admit(hello.migration, connection, names);
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

function handshakeProblem(cause: Error): string {
  return 'code' in cause && cause.code === 'ERR_SSL_HTTP_REQUEST'
    ? 'a connection without TLS was refused: the URL of this stream begins with wss://'
    : 'a TLS handshake failed';
}

function refuseFrame(): void {
  throw new PageferryError('protocol-violation', 'the source agent sent a frame before it was asked for one');
}
