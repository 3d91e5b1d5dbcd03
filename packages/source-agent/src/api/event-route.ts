import {
  idParams,
  problemAnswers,
  type EndedMigration,
  type EventFeed,
  type EventStreams,
  type HttpServer,
} from '@pageferry/daemon';
import { Type } from '@sinclair/typebox';
import type { FastifyReply } from 'fastify';
import type { ServedMigrations } from './served-migrations.js';

const lastEventHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'Of the last event that was received: goes on after it, if it is still kept',
    }),
  ),
});

/** Of a request for the server-sent events of a migration or a gang. */
export const eventSchema = (what: string) => ({
  summary: `Follow a ${what}: events \`state\`, \`progress\` and, at last, \`end\`, each with the ${what} as it is then`,
  params: idParams,
  headers: lastEventHeaders,
  response: {
    200: {
      description: 'Server-sent events, until it is over',
      content: { 'text/event-stream': { schema: Type.String() } },
    },
    204: Type.Null({ description: 'It is over, and all of it has been received' }),
    ...problemAnswers,
  },
});

/**
 * Answers with the events of what goes on, from the one after that was received, if they are still kept; otherwise from how
 * it is now.
 */
export function answerEvents(
  reply: FastifyReply,
  streams: EventStreams,
  after: number | undefined,
  { feed, view }: { readonly feed: EventFeed; readonly view: object },
): FastifyReply {
  const now = { id: feed.newest, name: 'state', data: JSON.stringify(view) };
  const events = (after === undefined ? undefined : feed.after(after)) ?? [now];
  streams.open(reply, { events, feed });
  return reply;
}

/** Answers with how it ended. */
export function answerEnd(
  reply: FastifyReply,
  streams: EventStreams,
  after: number | undefined,
  { view, events }: EndedMigration<object>,
): FastifyReply {
  if (after === events) return reply.status(204).send(null);
  streams.open(reply, { events: [{ id: events, name: 'end', data: JSON.stringify(view) }] });
  return reply;
}

/** A migration as it goes on, as server-sent events. */
export function eventRoute(server: HttpServer, migrations: ServedMigrations, streams: EventStreams): void {
  server.get(
    '/v1/migrations/:id/events',
    { schema: eventSchema('migration') },
    async ({ params: { id }, headers }, reply) => {
      const after = headers['last-event-id'];
      const ended = migrations.ended(id);
      return ended === undefined
        ? answerEvents(reply, streams, after, migrations.find(id))
        : answerEnd(reply, streams, after, ended);
    },
  );
}
