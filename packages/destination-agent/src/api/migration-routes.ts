import { pageOf, pageQuery, problemAnswers, type HttpServer } from '@pageferry/daemon';
import { Type } from '@sinclair/typebox';
import type { IncomingMigrations } from '../incoming-migrations.js';
import { StateName, type IncomingView } from '../incoming-resource.js';

const MigrationAnswer = Type.Unsafe<IncomingView>({ $ref: 'Migration#' });

export function migrationRoutes(server: HttpServer, migrations: IncomingMigrations): void {
  server.get(
    '/v1/migrations',
    {
      schema: {
        summary: 'Migrations under way and those that have ended, the newest first',
        querystring: Type.Object({
          state: Type.Optional(StateName),
          guest: Type.Optional(Type.String({ maxLength: 64 })),
          ...pageQuery,
        }),
        response: {
          200: Type.Object({
            migrations: Type.Array(MigrationAnswer),
            next: Type.Union([Type.String(), Type.Null()], {
              description: 'For `after` of the next page; null on the last one',
            }),
          }),
          ...problemAnswers,
        },
      },
    },
    ({ query: { state, guest, ...place } }) => {
      const { items, next } = pageOf(
        migrations.views,
        place,
        (view) => (state ?? view.state) === view.state && (guest ?? view.guest) === view.guest,
      );
      return { migrations: items, next };
    },
  );
  server.get(
    '/v1/migrations/:id',
    {
      schema: {
        summary: 'A migration',
        params: Type.Object({ id: Type.String({ maxLength: 64 }) }),
        response: { 200: MigrationAnswer, ...problemAnswers },
      },
    },
    ({ params: { id } }) => migrations.view(id),
  );
}
