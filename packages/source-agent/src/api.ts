import { Type } from '@sinclair/typebox';
import { createHttpServer, type HttpServer, type Logger } from '@pageferry/daemon';
import type { OutgoingMigration } from './outgoing-migration.js';
import type { OutgoingView } from './outgoing-view.js';
import { MigrationChange, MigrationRequest } from './request.js';

type SteeredMigration = Pick<
  OutgoingMigration,
  'id' | 'view' | 'cancel' | 'forceSwitchOver' | 'changeBandwidthCaps'
>;

/** What the API serves: see `OutgoingMigrations`. */
export interface ServedMigrations {
  readonly views: readonly OutgoingView[];
  readonly find: (id: string) => SteeredMigration;
  readonly start: (request: MigrationRequest) => Promise<SteeredMigration>;
}

const params = Type.Object({ id: Type.String() });
const ACCEPTED = 202;

/** The source's HTTP API: migrations are started and steered here. */
export function createApi(migrations: ServedMigrations, log: Logger): HttpServer {
  const server = createHttpServer({ log, host: 'source' });
  server.post('/v1/migrations', { schema: { body: MigrationRequest } }, async ({ body }, reply) => {
    const migration = await migrations.start(body);
    return reply.status(ACCEPTED).header('location', `/v1/migrations/${migration.id}`).send(migration.view);
  });
  server.get('/v1/migrations', () => ({ migrations: migrations.views }));
  server.get('/v1/migrations/:id', { schema: { params } }, ({ params: { id } }) => migrations.find(id).view);
  server.patch(
    '/v1/migrations/:id',
    { schema: { params, body: MigrationChange } },
    ({ params: { id }, body: { bandwidthCaps } }) => {
      const migration = migrations.find(id);
      migration.changeBandwidthCaps(bandwidthCaps);
      return migration.view;
    },
  );
  server.post('/v1/migrations/:id/cancel', { schema: { params } }, ({ params: { id } }, reply) => {
    const migration = migrations.find(id);
    migration.cancel();
    return reply.status(ACCEPTED).send(migration.view);
  });
  server.post('/v1/migrations/:id/switchover', { schema: { params } }, ({ params: { id } }, reply) => {
    const migration = migrations.find(id);
    migration.forceSwitchOver();
    return reply.status(ACCEPTED).send(migration.view);
  });
  server.get('/healthz', () => ({ status: 'ok' }));
  return server;
}
