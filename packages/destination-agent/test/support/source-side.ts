import {
  connectToDestination,
  type LinkIdentity,
  type ListenerTls,
  type PeerConnection,
} from '@pageferry/link';
import { PROTOCOL_VERSIONS, type ControlOf } from '@pageferry/wire';
import { onTestFinished } from 'vitest';
import { FakeQmpServer } from '../../../qemu/test/support/fake-qmp-server.js';
import type { DestinationConfiguration } from '../../src/configuration.js';
import { createDriver } from '../../src/drivers/create-driver.js';
import type { IncomingDriver } from '../../src/drivers/driver.js';
import { IncomingMigrations } from '../../src/incoming-migrations.js';
import type { Recovery } from '../../src/recovery.js';
import { StreamServer } from '../../src/stream-server.js';
import { destinationHost } from './destination-host.js';

const NEXT_TIMEOUT_MS = 10_000;
export const next = { timeoutMs: NEXT_TIMEOUT_MS } as const;

/** A destination agent, without its process, as source agents see it. */
export interface Destination {
  readonly port: number;
  readonly migrations: IncomingMigrations;
  /** @param identity for a destination with TLS */
  readonly connect: (identity?: LinkIdentity) => Promise<PeerConnection>;
  readonly configuration: DestinationConfiguration;
  /** A QEMU that takes connections, but says nothing. */
  readonly silentQemu: (name: string) => Promise<FakeQmpServer>;
}

export interface DestinationOptions {
  readonly driver?: IncomingDriver;
  /** Whose certificate is for `localhost`. */
  readonly tls?: ListenerTls;
}

export async function startDestination(
  recovery: Recovery = { ended: [], interrupted: [] },
  more: Partial<DestinationConfiguration> = {},
  { driver: given, tls }: DestinationOptions = {},
): Promise<Destination> {
  const { log, socketOf, configuration: usual } = await destinationHost();
  const configuration = { ...usual, ...more };
  const stop = new AbortController();
  const driver = given ?? createDriver(configuration, log);
  const migrations = new IncomingMigrations({ configuration, driver, log, signal: stop.signal, recovery });
  const { streamHost: host, streamPort: port, windowBytes: window, contentBytes } = configuration;
  const server = new StreamServer({
    host,
    port,
    window,
    contentBytes,
    software: 'test',
    tls,
    migrations,
    log,
  });
  const chosen = await server.listen();
  onTestFinished(async () => {
    stop.abort();
    await migrations.settled();
    await server.close();
  });
  const url = tls === undefined ? `ws://127.0.0.1:${chosen}` : `wss://localhost:${chosen}`;
  const connect = async (identity?: LinkIdentity): Promise<PeerConnection> => {
    const peer = await connectToDestination(url, stop.signal, identity);
    onTestFinished(() => {
      peer.close();
    });
    return peer;
  };
  const silentQemu = async (name: string): Promise<FakeQmpServer> =>
    FakeQmpServer.listen(() => undefined, socketOf(name));
  return { port: chosen, migrations, connect, configuration, silentQemu };
}

export function helloOf(
  migration: string,
  more: Partial<Omit<ControlOf<'hello'>, 'type'>> = {},
): ControlOf<'hello'> {
  return { type: 'hello', ...PROTOCOL_VERSIONS, software: 'test', migration, resume: false, ...more };
}
