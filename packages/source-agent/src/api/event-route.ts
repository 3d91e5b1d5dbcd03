import {
  idParams,
  problemAnswers,
  type EndedMigration,
  type EventFeed,
  type EventStreams,
  type HttpServer,
} from '@pageferry/daemon';
import { Type } from '@sinclair/typebox';

const lastEventHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'Of the last event that was received: goes on after it, if it is still kept',
    }),
  ),
});

/** Of a request for the server-sent events of a migration or a gang. */
const eventSchema = (what: string) => ({
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

/** What can be followed: see `OutgoingMigrations` and `Gangs`. */
export interface Followed {
  /** One that is under way. Errors: `migration-not-found`, `migration-state`. */
  find(id: string): { readonly feed: EventFeed; readonly view: object };
  ended(id: string): EndedMigration<object> | undefined;
}

/** A migration or a gang, which is `what`, as it goes on, as server-sent events. */
export function eventRoute(
  server: HttpServer,
  { path, what }: { readonly path: `/${string}`; readonly what: string },
  followed: Followed,
  streams: EventStreams,
): void {
  server.get(
    `${path}/:id/events`,
    { schema: eventSchema(what) },
    async ({ params: { id }, headers }, reply) => {
      const after = headers['last-event-id'];
      const ended = followed.ended(id);
      if (ended !== undefined) {
        const { view, events } = ended;
        if (after === events) return reply.status(204).send(null);
        streams.open(reply, { events: [{ id: events, name: 'end', data: JSON.stringify(view) }] });
        return reply;
      }
      const { feed, view } = followed.find(id);
      const now = { id: feed.newest, name: 'state', data: JSON.stringify(view) };
      // The events after the one that was received, if they are still kept; otherwise how it is now.
      streams.open(reply, { events: (after === undefined ? undefined : feed.after(after)) ?? [now], feed });
      return reply;
    },
  );
}
