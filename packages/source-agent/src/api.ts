import {
  EventStreams,
  createHttpServer,
  describeApi,
  serveHealth,
  serveMetrics,
  type ApiAccess,
  type FileReloader,
  type HttpServer,
  type Logger,
} from '@pageferry/daemon';
import { serveWebPage } from '@pageferry/web-page';
import { eventRoute } from './api/event-route.js';
import { gangRoutes, type ServedGangs } from './api/gang-routes.js';
import { guestRoutes } from './api/guest-routes.js';
import { migrationRoutes } from './api/migration-routes.js';
import { preparationRoutes, type ServedPreparations } from './api/preparation-routes.js';
import type { ServedMigrations } from './api/served-migrations.js';
import { measureMigrations } from './api/source-metrics.js';
import { steeringRoutes } from './api/steering-routes.js';
import { GangResource } from './gang/gang-resource.js';
import { GuestResource } from './guest-list.js';
import { InspectionResource } from './inspect-guest.js';
import { ListedResource, OutgoingResource } from './outgoing-resource.js';
import { DryRun } from './preflight.js';
import { PreparationResource } from './preparation/preparation-resource.js';
import { SOFTWARE_VERSION } from './version.js';

export type { ServedGangs } from './api/gang-routes.js';
export type { ServedPreparations } from './api/preparation-routes.js';
export type { ServedMigrations } from './api/served-migrations.js';

/** What the API serves. */
export interface Served {
  readonly migrations: ServedMigrations;
  readonly gangs: ServedGangs;
  readonly preparations: ServedPreparations;
}

/**
 * The source's HTTP API: migrations are started, steered and followed here.
 * @param files with the certificates in use
 */
export function createApi(
  { migrations, gangs, preparations }: Served,
  log: Logger,
  access: ApiAccess = {},
  files?: Pick<FileReloader, 'validities'>,
): HttpServer {
  const server = createHttpServer({ log, host: 'source', access });
  const streams = new EventStreams();
  server.addHook('preClose', (done) => {
    streams.close();
    done();
  });
  describeApi(server, {
    title: 'pageferry source agent',
    description: 'Starts, steers and follows the migrations of the guests of this host.',
    version: SOFTWARE_VERSION,
    schemas: [
      ...[OutgoingResource, ListedResource, GangResource, PreparationResource],
      ...[DryRun, GuestResource, InspectionResource],
    ],
    routes: () => {
      serveMetrics(server, measureMigrations({ migrations, gangs, preparations }, streams), files);
      migrationRoutes(server, migrations);
      steeringRoutes(server, migrations);
      eventRoute(server, { path: '/v1/migrations', what: 'migration' }, migrations, streams);
      gangRoutes(server, gangs, streams);
      preparationRoutes(server, preparations);
      guestRoutes(server, migrations);
      serveHealth(server, () => migrations.checks());
    },
  });
  serveWebPage(server);
  return server;
}
