import { mkdir } from 'node:fs/promises';
import {
  FileReloader,
  apiUrl,
  openApiAccess,
  statusLine,
  untilAborted,
  type DaemonContext,
} from '@pageferry/daemon';
import { createApi } from './api.js';
import type { DestinationConfiguration } from './configuration.js';
import { createDriver } from './drivers/create-driver.js';
import { IncomingMigrations } from './incoming-migrations.js';
import { recoverMigrations } from './recovery.js';
import { openStreamSecurity } from './stream-security.js';
import { StreamServer } from './stream-server.js';
import { SOFTWARE_VERSION } from './version.js';

/** Runs the destination agent until the signal is aborted. */
export async function runDestinationAgent({
  configuration,
  log,
  signal,
  service,
}: DaemonContext<DestinationConfiguration>): Promise<void> {
  await mkdir(configuration.runtimeDirectory, { recursive: true, mode: 0o700 });
  const driver = createDriver(configuration, log);
  const recovery = await recoverMigrations(configuration, driver, log);
  const migrations = new IncomingMigrations({ configuration, driver, log, signal, recovery });
  await migrations.takeUp(recovery);
  const reloader = new FileReloader(log);
  const access = openApiAccess(configuration, reloader, log);
  const security = openStreamSecurity(configuration, reloader, log);
  const stream = new StreamServer({
    host: configuration.streamHost,
    port: configuration.streamPort,
    software: SOFTWARE_VERSION,
    window: configuration.windowBytes,
    contentBytes: configuration.contentBytes,
    tls: security && { identity: security.identity.current, allowedPeers: security.allowedPeers },
    migrations,
    log,
  });
  security?.identity.onChange((identity) => {
    stream.identity = identity;
  });
  const api = createApi(migrations, log, access, reloader);
  try {
    const streamPort = await stream.listen();
    const address = await api.listen({
      host: configuration.apiHost,
      port: configuration.apiPort,
      listenTextResolver: (text) => `the API is at ${apiUrl(text, access)}`,
    });
    log.info({ api: apiUrl(address, access), streamHost: configuration.streamHost, streamPort }, 'ready');
    service.ready();
    service.showStatus(() =>
      statusLine(migrations.views.map((view) => ({ ...view, remainingPages: view.missingPages }))),
    );
    await untilAborted(signal);
    await migrations.settled();
  } finally {
    await stream.close();
    await api.close();
    reloader.close();
  }
}
