import {
  idParams,
  problemAnswers,
  type EventFeed,
  type EventStreams,
  type FeedEvent,
  type HttpServer,
} from '@pageferry/daemon';
import { Type } from '@sinclair/typebox';
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

/** The events after one that was received, if they are still kept; otherwise how things stand `now`. */
export function eventsAfter(
  feed: Pick<EventFeed, 'after'>,
  after: number | undefined,
  now: FeedEvent,
): readonly FeedEvent[] {
  return (after === undefined ? undefined : feed.after(after)) ?? [now];
}

/** A migration as it goes on, as server-sent events. */
export function eventRoute(server: HttpServer, migrations: ServedMigrations, streams: EventStreams): void {
  server.get(
    '/v1/migrations/:id/events',
    { schema: eventSchema('migration') },
    async ({ params: { id }, headers }, reply) => {
      const after = headers['last-event-id'];
      const ended = migrations.ended(id);
      if (ended !== undefined) {
        const { view, events } = ended;
        if (after === events) return reply.status(204).send(null);
        streams.open(reply, { events: [{ id: events, name: 'end', data: JSON.stringify(view) }] });
        return reply;
      }
      const { feed, view } = migrations.find(id);
      const now = { id: feed.newest, name: 'state', data: JSON.stringify(view) };
      streams.open(reply, { events: eventsAfter(feed, after, now), feed });
      return reply;
    },
  );
}
