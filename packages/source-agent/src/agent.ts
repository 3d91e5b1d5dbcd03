import { mkdir } from 'node:fs/promises';
import { untilAborted, type DaemonContext } from '@pageferry/daemon';
import { createApi } from './api.js';
import type { SourceConfiguration } from './configuration.js';
import { OutgoingMigrations } from './outgoing-migrations.js';
import { recoverMigrations } from './recovery.js';

/** Runs the source agent until the signal is aborted. */
export async function runSourceAgent({
  configuration,
  log,
  signal,
}: DaemonContext<SourceConfiguration>): Promise<void> {
  await mkdir(configuration.runtimeDirectory, { recursive: true, mode: 0o700 });
  const interrupted = await recoverMigrations(configuration, log);
  const migrations = new OutgoingMigrations(configuration, log, signal);
  await migrations.takeUp(interrupted);
  const api = createApi(migrations, log);
  try {
    const address = await api.listen({ host: configuration.apiHost, port: configuration.apiPort });
    log.info({ api: address }, 'ready');
    await untilAborted(signal);
    await migrations.settled();
  } finally {
    await api.close();
  }
}
