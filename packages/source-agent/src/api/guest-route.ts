import { problemAnswers, type HttpServer } from '@pageferry/daemon';
import { Type } from '@sinclair/typebox';
import { GuestAnswer } from './schemas.js';
import type { ServedMigrations } from './served-migrations.js';

/** What could be migrated from here. */
export function guestRoute(server: HttpServer, migrations: ServedMigrations): void {
  server.get(
    '/v1/guests',
    {
      schema: {
        summary: 'The guests of this host, and what keeps them from being migrated',
        response: { 200: Type.Object({ guests: Type.Array(GuestAnswer) }), ...problemAnswers },
      },
    },
    async () => ({ guests: await migrations.guests() }),
  );
}
