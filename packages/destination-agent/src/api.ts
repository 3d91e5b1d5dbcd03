import {
  createHttpServer,
  describeApi,
  serveHealth,
  serveMetrics,
  serveMigrations,
  type ApiAccess,
  type FileReloader,
  type HttpServer,
  type Logger,
} from '@pageferry/daemon';
import { measureMigrations } from './api/destination-metrics.js';
import type { IncomingMigrations } from './incoming-migrations.js';
import { IncomingResource, StateName } from './incoming-resource.js';
import { SOFTWARE_VERSION } from './version.js';

/**
 * The destination's HTTP API: what comes in can be looked at; the source decides about it.
 * @param files with the certificates in use
 */
export function createApi(
  migrations: IncomingMigrations,
  log: Logger,
  access: ApiAccess = {},
  files?: Pick<FileReloader, 'validities'>,
): HttpServer {
  const server = createHttpServer({ log, host: 'destination', access });
  describeApi(server, {
    title: 'pageferry destination agent',
    description: 'Shows the migrations of guests to this host.',
    version: SOFTWARE_VERSION,
    schemas: [IncomingResource],
    routes: () => {
      serveMetrics(server, measureMigrations(migrations), files);
      serveMigrations(server, migrations, StateName);
      serveHealth(server, () => migrations.checks());
    },
  });
  return server;
}
