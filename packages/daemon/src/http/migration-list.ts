import { Type, type TSchema } from '@sinclair/typebox';
import type { HttpServer } from '../http-server.js';
import { problemAnswers } from './api-document.js';
import { pageOf, pageQuery } from './page-of.js';

/** Of a migration, what a list of them is filtered and ordered by; the rest is the agent's. */
interface ListedMigration {
  readonly id: string;
  readonly guest: string | null;
  readonly state: string;
  /** ms since the epoch */
  readonly startedAt: number;
}

/** The migrations that an agent knows. */
export interface ListedMigrations {
  readonly views: readonly ListedMigration[];
  /** Error: `migration-not-found`. */
  view(id: string): ListedMigration;
}

/** Of a migration's path. */
export const idParams = Type.Object({ id: Type.String({ maxLength: 64 }) });

/**
 * The list of an agent's migrations, in pages, and each of them: as the schema `Migration`, which is the agent's.
 * @param states all that a migration can be in
 * @param listed the name of the schema that those in the list have, if they have less
 */
export function serveMigrations(
  server: HttpServer,
  migrations: ListedMigrations,
  states: TSchema,
  listed = 'Migration',
): void {
  const answer = Type.Unsafe<ListedMigration>({ $ref: 'Migration#' });
  const listedAnswer = Type.Unsafe<ListedMigration>({ $ref: `${listed}#` });
  server.get(
    '/v1/migrations',
    {
      schema: {
        summary: 'Migrations under way and those that have ended, the newest first',
        querystring: Type.Object({
          state: Type.Optional(Type.Unsafe<string>(states)),
          guest: Type.Optional(Type.String({ maxLength: 64 })),
          ...pageQuery,
        }),
        response: {
          200: Type.Object({
            migrations: Type.Array(listedAnswer),
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
        response: { 200: answer, ...problemAnswers },
      },
    },
    ({ params: { id } }) => migrations.view(id),
  );
}
