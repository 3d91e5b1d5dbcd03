import { Type } from '@sinclair/typebox';
import { createHttpServer, type HttpServer, type Logger } from '@pageferry/daemon';
import type { IncomingMigrations } from './incoming-migrations.js';

/** The destination's HTTP API: what comes in can be looked at; the source decides about it. */
export function createApi(migrations: IncomingMigrations, log: Logger): HttpServer {
  const server = createHttpServer({ log, host: 'destination' });
  server.get('/v1/migrations', () => ({ migrations: migrations.views }));
  server.get('/v1/migrations/:id', { schema: { params: Type.Object({ id: Type.String() }) } }, ({ params }) =>
    migrations.view(params.id),
  );
  server.get('/healthz', () => ({ status: 'ok' }));
  return server;
}
