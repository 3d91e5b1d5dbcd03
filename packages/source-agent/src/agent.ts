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
import type { SourceConfiguration } from './configuration.js';
import { Gangs } from './gang/gangs.js';
import { OutgoingMigrations } from './outgoing-migrations.js';
import { Preparations } from './preparation/preparations.js';
import { recoverMigrations } from './recovery.js';
import { StreamIdentity } from './stream-identity.js';

/** Runs the source agent until the signal is aborted. */
export async function runSourceAgent({
  configuration,
  log,
  signal,
  service,
}: DaemonContext<SourceConfiguration>): Promise<void> {
  await mkdir(configuration.runtimeDirectory, { recursive: true, mode: 0o700 });
  const recovery = await recoverMigrations(configuration, log, signal);
  const reloader = new FileReloader(log);
  const access = openApiAccess(configuration, reloader, log);
  const identity = new StreamIdentity(configuration, reloader, log);
  const migrations = new OutgoingMigrations(configuration, log, signal, { identity });
  await migrations.takeUp(recovery.interrupted);
  const preparations = new Preparations(migrations, log, signal);
  const gangs = new Gangs(migrations, configuration, log, signal, identity, preparations);
  await gangs.takeUp();
  const api = createApi({ migrations, gangs, preparations }, log, access, reloader);
  try {
    const address = await api.listen({
      host: configuration.apiHost,
      port: configuration.apiPort,
      listenTextResolver: (text) => `the API is at ${apiUrl(text, access)}`,
    });
    log.info({ api: apiUrl(address, access) }, 'ready');
    service.ready();
    service.showStatus(() => statusLine(migrations.views));
    await untilAborted(signal);
    await Promise.all([migrations.settled(), gangs.settled(), preparations.settled(), recovery.settled]);
  } finally {
    await api.close();
    reloader.close();
  }
}
