import {
  IdempotencyKeys,
  idempotencyHeaders,
  idParams,
  problemAnswers,
  serveMigrations,
  type HttpServer,
} from '@pageferry/daemon';
import { Type } from '@sinclair/typebox';
import { ListedResource, StateName, type OutgoingView } from '../outgoing-resource.js';
import type { DryRun } from '../preflight.js';
import { StartRequest } from '../request.js';
import { DryRunAnswer, MigrationAnswer } from './schemas.js';
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

  const listed = {
    get views() {
      return migrations.views.map((view) => ({ ...view, iterationTable: undefined }));
    },
    view: (id: string) => migrations.view(id),
  };
  serveMigrations(server, listed, StateName, ListedResource.$id);

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
