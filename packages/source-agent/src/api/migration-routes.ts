import {
  IdempotencyKeys,
  idempotencyHeaders,
  pageOf,
  pageQuery,
  problemAnswers,
  type HttpServer,
} from '@pageferry/daemon';
import { Type } from '@sinclair/typebox';
import { StateName, type OutgoingView } from '../outgoing-resource.js';
import type { DryRun } from '../preflight.js';
import { StartRequest } from '../request.js';
import { DryRunAnswer, MigrationAnswer, idParams } from './schemas.js';
import type { ServedMigrations } from './served-migrations.js';

type Started =
  | { readonly kind: 'examined'; readonly dryRun: DryRun }
  | { readonly kind: 'started'; readonly view: OutgoingView };

/** Migrations are started, looked at and forgotten. */
export function migrationRoutes(server: HttpServer, migrations: ServedMigrations): void {
  const keys = new IdempotencyKeys<Started>();

  server.post(
    '/v1/migrations',
    {
      schema: {
        summary: 'Start a migration, or try what would become of it',
        body: StartRequest,
        headers: Type.Object(idempotencyHeaders),
        response: { 200: DryRunAnswer, 202: MigrationAnswer, ...problemAnswers },
      },
    },
    async ({ body, headers }, reply) => {
      const { dryRun = false, ...request } = body;
      const started = await keys.once(headers['idempotency-key'], body, async () =>
        dryRun
          ? { kind: 'examined', dryRun: await migrations.examine(request) }
          : { kind: 'started', view: (await migrations.start(request)).view },
      );
      if (started.kind === 'examined') return reply.status(200).send(started.dryRun);
      const { view } = started;
      return reply.status(202).header('location', `/v1/migrations/${view.id}`).send(view);
    },
  );

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
        params: idParams,
        response: { 200: MigrationAnswer, ...problemAnswers },
      },
    },
    ({ params: { id } }) => migrations.view(id),
  );

  server.delete(
    '/v1/migrations/:id',
    {
      schema: {
        summary: 'Forget a migration that is over',
        params: idParams,
        response: { 204: Type.Null(), ...problemAnswers },
      },
    },
    async ({ params: { id } }, reply) => {
      await migrations.delete(id);
      return reply.status(204).send(null);
    },
  );
}
