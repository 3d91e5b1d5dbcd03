import {
  IdempotencyKeys,
  idempotencyHeaders,
  idParams,
  problemAnswers,
  type HttpServer,
} from '@pageferry/daemon';
import { Type } from '@sinclair/typebox';
import { PreparationRequest } from '../preparation/preparation-request.js';
import type { PreparationView } from '../preparation/preparation-resource.js';
import type { Preparations } from '../preparation/preparations.js';

const PreparationAnswer = Type.Unsafe<PreparationView>({ $ref: 'Preparation#' });

export interface ServedPreparations extends Pick<
  Preparations,
  'views' | 'underwayCount' | 'processorMs' | 'delete' | 'onEnd'
> {
  readonly find: (id: string) => { readonly view: PreparationView };
  readonly start: (request: PreparationRequest) => Promise<{ readonly view: PreparationView }>;
}

/** Finding out beforehand what guests have in common. */
export function preparationRoutes(server: HttpServer, preparations: ServedPreparations): void {
  const keys = new IdempotencyKeys<PreparationView>();

  server.post(
    '/v1/preparations',
    {
      schema: {
        summary: 'Find out beforehand, in the background, what guests have in common that may leave together',
        body: PreparationRequest,
        headers: Type.Object(idempotencyHeaders),
        response: { 202: PreparationAnswer, ...problemAnswers },
      },
    },
    async ({ body, headers }, reply) => {
      const view = await keys.once(
        headers['idempotency-key'],
        body,
        async () => (await preparations.start(body)).view,
      );
      return reply.status(202).header('location', `/v1/preparations/${view.id}`).send(view);
    },
  );

  server.get(
    '/v1/preparations',
    {
      schema: {
        summary: 'The preparations since the start of this agent',
        response: {
          200: Type.Object({ preparations: Type.Array(PreparationAnswer) }),
          ...problemAnswers,
        },
      },
    },
    () => ({ preparations: preparations.views }),
  );

  server.get(
    '/v1/preparations/:id',
    {
      schema: {
        summary: 'One preparation',
        params: idParams,
        response: { 200: PreparationAnswer, ...problemAnswers },
      },
    },
    ({ params: { id } }) => preparations.find(id).view,
  );

  server.delete(
    '/v1/preparations/:id',
    {
      schema: {
        summary: 'End a preparation, and forget it',
        params: idParams,
        response: { 204: Type.Null(), ...problemAnswers },
      },
    },
    async ({ params: { id } }, reply) => {
      await preparations.delete(id);
      return reply.status(204).send(null);
    },
  );
}
