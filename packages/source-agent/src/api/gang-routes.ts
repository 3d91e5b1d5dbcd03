import {
  IdempotencyKeys,
  idempotencyHeaders,
  idParams,
  problemAnswers,
  type EventStreams,
  type HttpServer,
} from '@pageferry/daemon';
import { Type } from '@sinclair/typebox';
import { GangChange, GangRequest } from '../gang/gang-request.js';
import type { GangView } from '../gang/gang-resource.js';
import type { Gangs } from '../gang/gangs.js';
import { eventRoute } from './event-route.js';

const GangAnswer = Type.Unsafe<GangView>({ $ref: 'Gang#' });

export type ServedGangs = Pick<
  Gangs,
  'views' | 'underwayCount' | 'view' | 'ended' | 'find' | 'start' | 'onEnd'
>;

/** Guests that leave together. */
export function gangRoutes(server: HttpServer, gangs: ServedGangs, streams: EventStreams): void {
  const keys = new IdempotencyKeys<GangView>();

  server.post(
    '/v1/gangs',
    {
      schema: {
        summary: 'Move guests together, and send what they have in common only once',
        body: GangRequest,
        headers: Type.Object(idempotencyHeaders),
        response: { 202: GangAnswer, ...problemAnswers },
      },
    },
    async ({ body, headers }, reply) => {
      const view = await keys.once(
        headers['idempotency-key'],
        body,
        async () => (await gangs.start(body)).view,
      );
      return reply.status(202).header('location', `/v1/gangs/${view.id}`).send(view);
    },
  );

  server.get(
    '/v1/gangs',
    {
      schema: {
        summary: 'Gangs under way, and the newest 100 that have ended',
        response: { 200: Type.Object({ gangs: Type.Array(GangAnswer) }), ...problemAnswers },
      },
    },
    () => ({ gangs: gangs.views }),
  );

  server.get(
    '/v1/gangs/:id',
    {
      schema: { summary: 'One gang', params: idParams, response: { 200: GangAnswer, ...problemAnswers } },
    },
    ({ params: { id } }) => gangs.view(id),
  );

  server.patch(
    '/v1/gangs/:id',
    {
      schema: {
        summary: 'Change what was requested, while it runs',
        params: idParams,
        body: GangChange,
        response: { 200: GangAnswer, ...problemAnswers },
      },
    },
    ({ params: { id }, body }) => {
      const gang = gangs.find(id);
      gang.change(body);
      return gang.view;
    },
  );

  server.post(
    '/v1/gangs/:id/cancel',
    {
      schema: {
        summary: 'Give up what has not been handed over; these guests stay',
        params: idParams,
        response: { 202: GangAnswer, ...problemAnswers },
      },
    },
    async ({ params: { id } }, reply) => {
      const gang = gangs.find(id);
      gang.cancel();
      return reply.status(202).send(gang.view);
    },
  );

  eventRoute(server, { path: '/v1/gangs', what: 'gang' }, gangs, streams);
}
