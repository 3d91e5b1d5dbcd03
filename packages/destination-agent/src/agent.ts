import { mkdir } from 'node:fs/promises';
import { untilAborted, type DaemonContext } from '@pageferry/daemon';
import { createApi } from './api.js';
import type { DestinationConfiguration } from './configuration.js';
import { IncomingMigrations } from './incoming-migrations.js';
import { recoverMigrations } from './recovery.js';
import { StreamServer } from './stream-server.js';
import { SOFTWARE_VERSION } from './version.js';

/** Runs the destination agent until the signal is aborted. */
export async function runDestinationAgent({
  configuration,
  log,
  signal,
}: DaemonContext<DestinationConfiguration>): Promise<void> {
  await mkdir(configuration.runtimeDirectory, { recursive: true, mode: 0o700 });
  const recovery = await recoverMigrations(configuration, log);
  const migrations = new IncomingMigrations(configuration, log, signal, recovery);
  await migrations.takeUp(recovery);
  const stream = new StreamServer({
    host: configuration.streamHost,
    port: configuration.streamPort,
    software: SOFTWARE_VERSION,
    window: configuration.windowBytes,
    migrations,
    log,
  });
  const api = createApi(migrations, log);
  try {
    const streamPort = await stream.listen();
    const address = await api.listen({ host: configuration.apiHost, port: configuration.apiPort });
    log.info({ api: address, streamHost: configuration.streamHost, streamPort }, 'ready');
    await untilAborted(signal);
    await migrations.settled();
  } finally {
    await stream.close();
    await api.close();
  }
}
