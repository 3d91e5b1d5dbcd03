import { GUEST_NAME_PATTERN, problemAnswers, type HttpServer } from '@pageferry/daemon';
import { Type } from '@sinclair/typebox';
import { GuestAnswer, InspectionAnswer } from './schemas.js';
import type { ServedMigrations } from './served-migrations.js';

/** What could be migrated from here, and what is in its memory. */
export function guestRoutes(server: HttpServer, migrations: ServedMigrations): void {
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
  server.get(
    '/v1/guests/:guest/memory',
    {
      schema: {
        summary: "What a guest's memory is used for; it runs on meanwhile",
        params: Type.Object({ guest: Type.String({ pattern: GUEST_NAME_PATTERN }) }),
        response: { 200: InspectionAnswer, ...problemAnswers },
      },
    },
    async ({ params }) => migrations.inspect(params.guest),
  );
}
