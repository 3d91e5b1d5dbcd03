import { idParams, problemAnswers, type HttpServer } from '@pageferry/daemon';
import { MigrationChange, SwitchOverRequest } from '../request.js';
import { MigrationAnswer } from './schemas.js';
import type { ServedMigrations } from './served-migrations.js';

const ACCEPTED = 202;
const accepted = { [ACCEPTED]: MigrationAnswer, ...problemAnswers } as const;

/** What may be done to a migration that is under way. */
export function steeringRoutes(server: HttpServer, migrations: ServedMigrations): void {
  server.patch(
    '/v1/migrations/:id',
    {
      schema: {
        summary: 'Change what was requested, while it runs',
        params: idParams,
        body: MigrationChange,
        response: { 200: MigrationAnswer, ...problemAnswers },
      },
    },
    ({ params: { id }, body }) => {
      const migration = migrations.find(id);
      migration.change(body);
      return migration.view;
    },
  );

  server.post(
    '/v1/migrations/:id/cancel',
    {
      schema: {
        summary: 'Give it up before the hand-over; the guest stays',
        params: idParams,
        response: accepted,
      },
    },
    async ({ params: { id } }, reply) => {
      const migration = migrations.find(id);
      migration.cancel();
      return reply.status(ACCEPTED).send(migration.view);
    },
  );

  server.post(
    '/v1/migrations/:id/switchover',
    {
      schema: {
        summary: 'Stop the guest at the next opportunity, whatever is left',
        params: idParams,
        body: SwitchOverRequest,
        response: accepted,
      },
    },
    async ({ params: { id }, body }, reply) => {
      const migration = migrations.find(id);
      migration.forceSwitchOver(body.with);
      return reply.status(ACCEPTED).send(migration.view);
    },
  );

  server.post(
    '/v1/migrations/:id/recover',
    {
      schema: {
        summary: 'Try at once to reach the destination again, after the hand-over',
        params: idParams,
        response: accepted,
      },
    },
    async ({ params: { id } }, reply) => {
      const migration = migrations.find(id);
      migration.recover();
      return reply.status(ACCEPTED).send(migration.view);
    },
  );
}
